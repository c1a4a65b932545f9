using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Live;

/// <summary>A session that this worker holds. Every later write carries <paramref name="LeaseToken"/>.</summary>
/// <param name="State">Encoding, or recording: what there is to do.</param>
/// <param name="Attempt">Of the recording, 1 for the first.</param>
/// <param name="WasSeen">Some worker had media of it before.</param>
public sealed record ClaimedSession(
    string StreamId, LiveSessionState State, int Slots, long LeaseToken, int Attempt, bool WasSeen, IReadOnlyList<IngestEndpoint> Inputs, Guid VideoId, string? TraceParent);

/// <summary>What a worker can take on.</summary>
/// <param name="LiveSlots">Slots that are free or can be freed for a broadcast.</param>
/// <param name="FreeSlots">Slots that are free now: enough for a recording, which can wait.</param>
/// <param name="After">How long a broadcast must have waited: a worker that would put tasks off for it lets an idle one go first.</param>
public sealed record LiveRoom(int LiveSlots, int FreeSlots, TimeSpan After);

/// <param name="Status">The stream's.</param>
/// <param name="Away">How long no media has come; null: none ever has.</param>
/// <param name="Age">How long the broadcast lasts already; null: nothing was listed yet.</param>
/// <param name="Unfed">How long the stream has been READY without any media, by somebody's PUT; null: it is not.</param>
public sealed record SessionBeat(StreamStatus Status, TimeSpan? Away, TimeSpan? Age, TimeSpan? Unfed);

/// <summary>Claims, beats and ends of live sessions. Locks are taken in the order stream, session.</summary>
public sealed class LiveSessionQueue(LifecycleDatabase database, StreamMoves moves)
{
    private const string FirstDue =
        """
        select stream_id from live_sessions
        where (state = 'reserved' and run_after <= now() - $2 and slots <= $1)
           or (state = 'encoding' and lease_until < now() - $2 and slots <= $1)
           or (state = 'recording' and run_after <= now() and (lease_until is null or lease_until < now()) and $3 > 0)
        order by state = 'recording', run_after limit 1
        """;

    /// <summary>The session that waits longest, broadcasts before recordings; null where there is none that fits.</summary>
    public async Task<ClaimedSession?> ClaimAsync(string workerId, LiveRoom room, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        // The candidate is read without a lock, because locks are taken stream first; a lost race is the next poll's.
        if (await connection.ScalarAsync<string>(FirstDue, [room.LiveSlots, room.After, room.FreeSlots], ct) is not { } streamId
            || await StreamMoves.LockAsync(transaction, streamId, ct) is not { } stream || await StreamMoves.LockSessionAsync(transaction, streamId, ct) is not { } session
            || !await connection.ScalarAsync<bool>("select run_after <= now() and (lease_until is null or lease_until < now()) from live_sessions where stream_id = $1", [streamId], ct)
            || StateAfterClaim(session.State) is not { } next)
        {
            return null;
        }

        if (StreamLifecycle.IsOver(stream.Status) && LiveSessionLifecycle.HoldsSlots(session.State))
        {
            await StreamMoves.EndSessionAsync(transaction, session, ct); // it was said to be complete, and its encoder is gone
            await transaction.CommitAsync(ct);
            return null;
        }

        // The time between two workers is not the broadcaster's: its input counts as away from the claim on. But a broadcast that no worker can encode ends.
        var claimed = await connection.FirstAsync(
            """
            update live_sessions s set state = $2, lease_token = nextval('lease_tokens'), lease_until = now() + $3, worker_id = $4,
                input_at = case when input_at is null or is_failing then input_at else now() end
            from streams where stream_id = $1 and streams.id = stream_id
            returning lease_token, slots, attempt, input_at is not null, ingest_endpoints::text
            """, [streamId, LiveSessionLifecycle.Table.NameOf(next), LiveSessionLifecycle.Lease, workerId],
            row => new ClaimedSession(
                streamId, next, row.GetInt32(1), row.GetInt64(0), row.GetInt32(2), row.GetBoolean(3),
                JsonSerializer.Deserialize(row.GetString(4), StreamJson.Default.IReadOnlyListIngestEndpoint) ?? [], stream.VideoId, stream.TraceParent), ct);
        await transaction.CommitAsync(ct);
        return claimed;
    }

    /// <summary>Whether a broadcast waits to be made a video.</summary>
    public async Task<bool> IsRecordingDueAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<bool>(
            "select exists (select from live_sessions where state = 'recording' and run_after <= now() and (lease_until is null or lease_until < now()))", [], ct);
    }

    /// <summary>Keeps the lease and carries up when media last came. Null: the session is somebody else's, or has ended.</summary>
    /// <param name="inputAge">How long ago media came to this worker; null: none has.</param>
    public async Task<SessionBeat?> BeatAsync(ClaimedSession session, TimeSpan? inputAge, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            """
            update live_sessions s set lease_until = now() + $3, input_at = greatest(s.input_at, now() - $4::interval) from streams st
            where s.stream_id = $1 and s.lease_token = $2 and st.id = s.stream_id
            returning st.status, now() - s.input_at, now() - (select program_date_time from live_segments g where g.stream_id = $1 order by sequence limit 1),
                case when s.input_at is null and st.status in ('READY', 'LIVE') then now() - greatest(st.status_at, s.created_at) end
            """, [session.StreamId, session.LeaseToken, LiveSessionLifecycle.Lease, inputAge],
            row => new SessionBeat(StreamLifecycle.Table.Parse(row.GetString(0)), row.GetNullable<TimeSpan?>(1), row.GetNullable<TimeSpan?>(2), row.GetNullable<TimeSpan?>(3)), ct);
    }

    /// <summary>Tells the owner why an input is not taken. The first segments of one that is take it away again.</summary>
    public async Task NoteInputAsync(ClaimedSession session, string error, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("update live_sessions set input_error = $3 where stream_id = $1 and lease_token = $2", [session.StreamId, session.LeaseToken, error], ct);
    }

    /// <summary>Gives the session back: this worker stops or cannot go on, another does.</summary>
    /// <param name="delay">Before it is claimed again.</param>
    /// <returns>False where the lease is somebody else's.</returns>
    public async Task<bool> GiveBackAsync(ClaimedSession session, TimeSpan delay, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        var state = session.State == LiveSessionState.Encoding ? LiveSessionLifecycle.Table.Next(LiveSessionState.Encoding, LiveSessionTrigger.GivenBack)!.Value : session.State;
        return await connection.ExecuteAsync(
            "update live_sessions set state = $3, lease_token = null, lease_until = null, worker_id = null, run_after = now() + $4, is_failing = $4 > interval '0' where stream_id = $1 and lease_token = $2",
            [session.StreamId, session.LeaseToken, LiveSessionLifecycle.Table.NameOf(state), delay], ct) == 1;
    }

    /// <summary>
    /// The broadcast is over: COMPLETE, by way of LIVE where it never got there, and the session ends with it. Does nothing while the orchestrator has not
    /// told READY, or when media came meanwhile.
    /// </summary>
    /// <param name="awayFor">How long the input must have been away.</param>
    /// <returns>True where the stream is over now; false: go on.</returns>
    public async Task<bool> CompleteAsync(ClaimedSession claimed, TimeSpan awayFor, string? reason, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await StreamMoves.LockHeldAsync(transaction, claimed, ct) is not var (stream, session))
        {
            return true;
        }

        if (!await transaction.Connection.ScalarAsync<bool>("select input_at <= now() - $2 from live_sessions where stream_id = $1", [stream.Id, awayFor], ct)
            || !stream.IsReadyTold())
        {
            return false;
        }

        if (stream.Status == StreamStatus.Ready)
        {
            await moves.MoveAsync(transaction, stream, StreamTrigger.WentLive, null, tells: true, ct);
            stream = stream with { Status = StreamStatus.Live };
        }

        return await EndAsync(transaction, stream, session, StreamTrigger.Completed, reason, ct);
    }

    /// <summary>Ends the session of a stream that somebody else has said to be complete: all that came is listed and kept.</summary>
    public async Task CloseAsync(ClaimedSession claimed, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await StreamMoves.LockHeldAsync(transaction, claimed, ct) is var (_, session))
        {
            await StreamMoves.EndSessionAsync(transaction, session, ct);
            await transaction.CommitAsync(ct);
        }
    }

    /// <summary>READY was said of a stream whose input never came: FAILED, and its slots are free.</summary>
    /// <returns>True where the stream is over now; false: media came meanwhile.</returns>
    public async Task<bool> FailUnfedAsync(ClaimedSession claimed, string reason, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await StreamMoves.LockHeldAsync(transaction, claimed, ct) is not var (stream, session))
        {
            return true;
        }

        return !await transaction.Connection.ScalarAsync<bool>("select input_at is not null from live_sessions where stream_id = $1", [stream.Id], ct)
            && await EndAsync(transaction, stream, session, StreamTrigger.Failed, reason, ct);
    }

    /// <summary>The stream's last move, and its session's.</summary>
    private async Task<bool> EndAsync(LifecycleTransaction transaction, LockedStream stream, LockedSession session, StreamTrigger trigger, string? reason, CancellationToken ct)
    {
        if (await moves.MoveAsync(transaction, stream, trigger, reason, tells: true, ct) != MoveOutcome.Moved)
        {
            return false;
        }

        await StreamMoves.EndSessionAsync(transaction, session, ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    /// <summary>A lease that ran out, and the claim, are one step; a recording stays one.</summary>
    private static LiveSessionState? StateAfterClaim(LiveSessionState state)
    {
        var due = state == LiveSessionState.Encoding ? LiveSessionLifecycle.Table.Next(state, LiveSessionTrigger.LeaseExpired)!.Value : state;
        return due == LiveSessionState.Recording ? due : LiveSessionLifecycle.Table.Next(due, LiveSessionTrigger.Claimed);
    }
}
