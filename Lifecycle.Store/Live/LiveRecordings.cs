using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;

namespace Lifecycle.Store.Live;

/// <summary>A piece of the input as it came: together, those of a generation are its transport stream.</summary>
public sealed record RecordedPiece(int Generation, string Key, long Bytes);

/// <summary>From a finished broadcast's pieces to a video.</summary>
public sealed class LiveRecordings(LifecycleDatabase database)
{
    public const int Attempts = 5;

    private static readonly TimeSpan _retryAfter = TimeSpan.FromSeconds(15);

    /// <summary>All pieces, in the order in which they came.</summary>
    public async Task<IReadOnlyList<RecordedPiece>> PiecesAsync(string streamId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync("select generation, object_key, bytes from live_recordings where stream_id = $1 order by sequence", [streamId],
            row => new RecordedPiece(row.GetInt32(0), row.GetString(1), row.GetInt64(2)), ct);
    }

    /// <summary>Keeps the lease. False: the recording is somebody else's.</summary>
    public async Task<bool> BeatAsync(ClaimedSession session, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync(
            "update live_sessions set lease_until = now() + $3 where stream_id = $1 and lease_token = $2", [session.StreamId, session.LeaseToken, LiveSessionLifecycle.Lease], ct) == 1;
    }

    /// <summary>
    /// The source is in the store: the video is UPLOADED with its ingest job, as after any upload, and the session closed, in one transaction. Its owner is the
    /// stream's; its day's quota is not asked: a broadcast that was let begin is kept.
    /// </summary>
    /// <returns>False where the recording is somebody else's.</returns>
    public async Task<bool> FinishAsync(ClaimedSession session, long bytes, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await StreamMoves.LockHeldAsync(transaction, session, ct) is null || LiveSessionLifecycle.Table.Next(session.State, LiveSessionTrigger.Recorded) is not { } next)
        {
            return false;
        }

        var connection = transaction.Connection;
        var state = VideoLifecycle.Table.NameOf(VideoLifecycle.Table.Initial(VideoTrigger.UploadBegun));
        await connection.ExecuteAsync(
            """
            with begun as (
                insert into videos (id, state, file_name, source_bytes, trace_parent, owner_id)
                select video_id, $2, left(title, $3), $4, trace_parent, owner_id from streams where id = $1 returning id, sequence)
            insert into video_history (video_id, sequence, trigger, state) select id, sequence, $5, $2 from begun
            """, [session.StreamId, state, Limits.FileNameChars, bytes, nameof(VideoTrigger.UploadBegun)], ct);
        foreach (var trigger in (VideoTrigger[])[VideoTrigger.BytesSent, VideoTrigger.ObjectVerified])
        {
            await transaction.MoveAsync((await transaction.LockVideoAsync(session.VideoId, ct))!, trigger, null, ct);
        }

        await JobStore.InsertAsync(transaction, (await transaction.LockVideoAsync(session.VideoId, ct))!, JobTrigger.Created, new(JobKind.Ingest, Version: 1), ct);
        await CloseAsync(transaction, session, next, null, ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    /// <summary>Another attempt after a while; after the last one the session is closed with <paramref name="error"/>, and its pieces stay for an operator.</summary>
    /// <param name="spends">False where only a store was away, or the disk full.</param>
    public async Task FailAsync(ClaimedSession session, string error, bool spends, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await StreamMoves.LockHeldAsync(transaction, session, ct) is null)
        {
            return;
        }

        if (spends && session.Attempt >= Attempts)
        {
            await CloseAsync(transaction, session, LiveSessionLifecycle.Table.Next(LiveSessionState.Recording, LiveSessionTrigger.RecordingFailed)!.Value, error, ct);
        }
        else
        {
            await transaction.Connection.ExecuteAsync(
                """
                update live_sessions set attempt = attempt + $2, run_after = now() + $3, recording_error = $4, lease_token = null, lease_until = null, worker_id = null
                where stream_id = $1
                """, [session.StreamId, spends ? 1 : 0, _retryAfter, error], ct);
        }

        await transaction.CommitAsync(ct);
    }

    private static Task<int> CloseAsync(LifecycleTransaction transaction, ClaimedSession session, LiveSessionState state, string? error, CancellationToken ct) =>
        transaction.Connection.ExecuteAsync(
            "update live_sessions set state = $2, recording_error = $3, lease_token = null, lease_until = null, worker_id = null where stream_id = $1",
            [session.StreamId, LiveSessionLifecycle.Table.NameOf(state), error], ct);
}
