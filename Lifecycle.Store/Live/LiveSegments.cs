using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;

namespace Lifecycle.Store.Live;

/// <summary>One track of a generation: what a player loads before its segments.</summary>
/// <param name="Kind">video or audio.</param>
/// <param name="Bandwidth">Bits per second, the most that a segment may take.</param>
public sealed record LiveTrack(
    string Name, string Kind, string InitKey, long InitBytes, string InitSha256, string Codecs, int Bandwidth, int? Width, int? Height, double? FrameRate);

/// <param name="Duration">Seconds.</param>
/// <param name="StartsAt">When its first sample came, by the database's clock.</param>
public sealed record LiveSegment(string Track, string Key, long Bytes, string Sha256, double Duration, DateTimeOffset StartsAt);

/// <summary>A sequence number's segments, of all tracks. Their objects are in the store.</summary>
/// <param name="Generation">The generation's number; null: it has none yet, this is its first set.</param>
/// <param name="Tracks">The generation's.</param>
/// <param name="StartMilliseconds">Where the set begins on the stream's media timeline.</param>
/// <param name="EndMilliseconds">Where all its tracks have ended: nothing that follows begins before.</param>
public sealed record SegmentSet(int? Generation, IReadOnlyList<LiveTrack> Tracks, IReadOnlyList<LiveSegment> Segments, long StartMilliseconds, long EndMilliseconds);

/// <param name="Now">The database's clock, from which the generation's times are reckoned.</param>
/// <param name="MediaMilliseconds">Where its media begins: behind all that is listed.</param>
public sealed record GenerationStart(DateTimeOffset Now, long MediaMilliseconds);

/// <summary>What the encoder makes durable: segments, and the input as it came. Both are fenced by the session's lease.</summary>
public sealed class LiveSegments(LifecycleDatabase database, StreamMoves moves)
{
    /// <summary>Where a new generation begins. It stays so until the generation's own first set: one lease writes, and one generation at a time.</summary>
    /// <returns>Null: the session is somebody else's or has ended.</returns>
    public async Task<GenerationStart?> BeginAsync(ClaimedSession claimed, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync("select clock_timestamp(), media_milliseconds from live_sessions where stream_id = $1 and lease_token = $2", [claimed.StreamId, claimed.LeaseToken],
            row => new GenerationStart(row.GetFieldValue<DateTimeOffset>(0), row.GetInt64(1)), ct);
    }

    /// <summary>
    /// Lists a set of segments. The first one confirms the stream to the orchestrator; the first after READY was told makes it LIVE. Repeating it after a lost
    /// answer changes nothing.
    /// </summary>
    /// <returns>The generation's number; null: the session is somebody else's or has ended, and nothing was written.</returns>
    /// <exception cref="InvalidDataException">The set begins before the end of what is listed: a write that was given up has come through after all.</exception>
    public async Task<int?> CommitAsync(ClaimedSession claimed, SegmentSet set, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        if (await StreamMoves.LockHeldAsync(transaction, claimed, ct) is not var (stream, session))
        {
            return null;
        }

        // Of the same track, where the last set has it: the ladder may be another than before.
        var last = await connection.FirstAsync(
            """
            select sequence, generation, object_key, program_date_time + make_interval(secs => duration) from live_segments
            where stream_id = $1 order by sequence desc, (track = $2) desc limit 1
            """,
            [stream.Id, set.Segments[0].Track], row => new { Sequence = row.GetInt64(0), Generation = row.GetInt32(1), Key = row.GetString(2), End = row.GetFieldValue<DateTimeOffset>(3) }, ct);
        if (last?.Key == set.Segments[0].Key)
        {
            return last.Generation;
        }

        var generation = set.Generation ?? session.Generation + 1;
        if (set.Generation is null)
        {
            if (set.StartMilliseconds < session.MediaMilliseconds)
            {
                throw new InvalidDataException($"Media from {set.StartMilliseconds} ms on is listed already.");
            }

            await InsertTracksAsync(transaction, stream.Id, generation, set.Tracks, ct);
        }

        await connection.ExecuteAsync("update live_sessions set generation = $2, media_milliseconds = greatest(media_milliseconds, $3), input_error = null where stream_id = $1", [stream.Id, generation, set.EndMilliseconds], ct);

        // The clock of a generation is read anew: times must not go back from one to the next.
        var sequence = last is null ? 0 : last.Sequence + 1;
        var shift = last is { } before && before.End > set.Segments[0].StartsAt ? before.End - set.Segments[0].StartsAt : TimeSpan.Zero;
        foreach (var segment in set.Segments)
        {
            await connection.ExecuteAsync(
                "insert into live_segments (stream_id, sequence, track, generation, object_key, bytes, sha256, duration, program_date_time) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
                [stream.Id, sequence, segment.Track, generation, segment.Key, segment.Bytes, segment.Sha256, segment.Duration, (segment.StartsAt + shift).UtcDateTime], ct);
        }

        await TellAsync(transaction, stream, ct);
        await transaction.CommitAsync(ct);
        return generation;
    }

    /// <summary>Notes a piece of the input. Repeating it changes nothing.</summary>
    /// <returns>False: the session is somebody else's or has ended.</returns>
    public async Task<bool> RecordAsync(ClaimedSession claimed, int generation, string key, long bytes, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await StreamMoves.LockHeldAsync(transaction, claimed, ct) is null)
        {
            return false;
        }

        await transaction.Connection.ExecuteAsync(
            """
            with last as (select sequence, object_key from live_recordings where stream_id = $1 order by sequence desc limit 1)
            insert into live_recordings (stream_id, sequence, generation, object_key, bytes)
            select $1, coalesce((select sequence + 1 from last), 0), $2, $3, $4 where not exists (select from last where object_key = $3)
            """, [claimed.StreamId, generation, key, bytes], ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    private async Task TellAsync(LifecycleTransaction transaction, LockedStream stream, CancellationToken ct)
    {
        if (stream.Confirmation is null)
        {
            await StreamConfirmation.GiveAsync(transaction, stream, StreamConfirmation.Ready, null, ct);
            await StreamMoves.WakeAsync(transaction, stream, ct);
        }
        else if (stream.Status == StreamStatus.Ready && stream.IsReadyTold())
        {
            await moves.MoveAsync(transaction, stream, StreamTrigger.WentLive, null, tells: true, ct);
        }
    }

    private static async Task InsertTracksAsync(LifecycleTransaction transaction, string streamId, int generation, IReadOnlyList<LiveTrack> tracks, CancellationToken ct)
    {
        foreach (var track in tracks)
        {
            await transaction.Connection.ExecuteAsync(
                """
                insert into live_tracks (stream_id, generation, track, kind, init_key, init_bytes, init_sha256, codecs, bandwidth, width, height, frame_rate)
                values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
                """,
                [streamId, generation, track.Name, track.Kind, track.InitKey, track.InitBytes, track.InitSha256, track.Codecs, track.Bandwidth, track.Width, track.Height, track.FrameRate], ct);
        }
    }
}

internal static class ToldStreams
{
    /// <summary>Whether the orchestrator has told READY: LIVE and COMPLETE must not be told before it.</summary>
    public static bool IsReadyTold(this LockedStream stream) =>
        stream.Status != StreamStatus.Provisioning && stream.Workflow is WorkflowState.RecordCompletion or WorkflowState.WorkflowSucceeded;
}
