using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Edge;
using Lifecycle.Store.Jobs;
using Npgsql;

namespace Lifecycle.Store.Videos;

/// <summary>A change of a video as clients see it.</summary>
/// <param name="Progress">Share of the work that is done, 0 to 1; 1 when READY.</param>
public sealed record VideoStatus(Guid VideoId, VideoState State, long Sequence, DateTimeOffset At, string? FailureCategory, string? FailureReason, double Progress);

/// <summary>Reads of videos, and their deletion.</summary>
public sealed class VideoStore(LifecycleDatabase database)
{
    /// <summary>The current state; null where no client may know of the video.</summary>
    public async Task<VideoStatus?> StatusAsync(Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            $"""
            select v.id, v.state, v.sequence, v.updated_at, v.failure_category, v.failure_reason,
                case when v.state = 'READY' then 1 else coalesce((select {JobProgress.Sql} from jobs j where j.video_id = v.id and j.kind = 'ingest' order by j.sequence desc limit 1), 0) end
            from videos v where v.id = $1 and v.state = any($2)
            """, [videoId, VideoLifecycle.VisibleNames], MapStatus, ct);
    }

    /// <summary>The visible changes of a video after <paramref name="sequence"/>, oldest first.</summary>
    public async Task<IReadOnlyList<VideoStatus>> ChangesAfterAsync(Guid videoId, long sequence, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            """
            select h.video_id, h.state, h.sequence, h.at, v.failure_category, h.reason, case when h.state = 'READY' then 1::float8 else 0::float8 end
            from video_history h join videos v on v.id = h.video_id where h.video_id = $1 and h.sequence > $2 and h.state = any($3) order by h.sequence
            """, [videoId, sequence, (string[])[.. VideoLifecycle.VisibleNames, VideoLifecycle.Table.NameOf(VideoState.Deleted)]], MapStatus, ct);
    }

    /// <summary>The state and the served version's documents: what a streaming replica caches.</summary>
    public async Task<PublishedVideo?> PublishedAsync(Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            $"""
            select v.state, p.catalogue::text, p.conformance::text, {EdgeCopies.ReadySql} from videos v
            left join video_versions p on p.video_id = v.id and p.version = v.version where v.id = $1 and v.state = any($2)
            """, [videoId, VideoLifecycle.VisibleNames],
            row => new PublishedVideo(VideoLifecycle.Table.Parse(row.GetString(0)), row.GetNullable<string>(1), row.GetNullable<string>(2), row.GetNullable<Guid?>(3)), ct);
    }

    /// <summary>Of the given videos, those that clients may still see, with what is served of them: how a replica compares all that it has cached.</summary>
    public async Task<IReadOnlyDictionary<Guid, ServedFrom>> ServedAmongAsync(IReadOnlyCollection<Guid> videoIds, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        var rows = await connection.ListAsync(
            $"select v.id, v.version, {EdgeCopies.ReadySql} from videos v where v.id = any($1) and v.state = any($2)", [videoIds.ToArray(), VideoLifecycle.VisibleNames],
            row => (Id: row.GetGuid(0), From: new ServedFrom(row.GetInt32(1), row.GetNullable<Guid?>(2))), ct);
        return rows.ToDictionary(row => row.Id, row => row.From);
    }

    /// <summary>Deletes the video: its jobs are cancelled, its objects swept. A second deletion finds nothing: 404.</summary>
    /// <returns>NotAllowed: nobody may know of it yet, because its bytes are still arriving.</returns>
    public async Task<MoveOutcome> DeleteAsync(Guid videoId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var video = await transaction.LockVideoAsync(videoId, ct);
        if (video is null || !VideoLifecycle.IsVisible(video.State))
        {
            return video is { State: VideoState.Uploading or VideoState.Completing } ? MoveOutcome.NotAllowed : MoveOutcome.Missing;
        }

        await transaction.MoveAsync(video, VideoTrigger.Deleted, null, ct);
        TaskFailure cancelled = new(FailureCategory.Cancelled, "The video was deleted.", null, IsPermanent: true);
        foreach (var jobId in await transaction.Connection.ListAsync("select id from jobs where video_id = $1 and state = any($2) order by id", [videoId, JobLifecycle.OpenNames], row => row.GetGuid(0), ct))
        {
            if (await transaction.LockJobAsync(jobId, ct) is { } job)
            {
                await transaction.MoveAsync(job, video with { State = VideoState.Deleted }, JobTrigger.Cancelled, cancelled, ct);
            }
        }

        // Nobody could see or clear them any more; and a request that made the video stands for nothing now.
        await transaction.Connection.ExecuteAsync("delete from dead_letters where video_id = $1", [videoId], ct);
        await transaction.Connection.ExecuteAsync("update upload_sessions set idempotency_key = null where video_id = $1", [videoId], ct);
        await transaction.SweepAsync(videoId, ct);
        await transaction.CommitAsync(ct);
        return MoveOutcome.Moved;
    }

    private static VideoStatus MapStatus(NpgsqlDataReader row) => new(
        row.GetGuid(0), VideoLifecycle.Table.Parse(row.GetString(1)), row.GetInt64(2), row.GetFieldValue<DateTimeOffset>(3), row.GetNullable<string>(4), row.GetNullable<string>(5), row.GetDouble(6));
}

/// <summary>The documents are JSON, null until the first version is READY.</summary>
/// <param name="EdgeCopy">The served version's copy on the chunk store's nodes, where all of it is placed.</param>
public sealed record PublishedVideo(VideoState State, string? Catalogue, string? Conformance, Guid? EdgeCopy);

/// <summary>What a video is served from: a version, and the copy of it beside S3.</summary>
public sealed record ServedFrom(int Version, Guid? EdgeCopy);
