using System.Text.Json;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Media;
using Lifecycle.Contracts.Storage;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Lifecycle.Store.Objects;

/// <summary>
/// Removes what nobody committed: outputs of lost leases, chunks of failed jobs' dead runs, everything of deleted videos.
/// It lists first and asks what to keep afterwards, so that what is written meanwhile is not in its list.
/// </summary>
public sealed partial class Sweeper(LifecycleDatabase database, ObjectStore objects, ILogger<Sweeper> logger)
{
    private const int Batch = 10;

    /// <summary>A row that cannot be swept lets the others go first.</summary>
    private static readonly TimeSpan _failedAfter = TimeSpan.FromSeconds(10);

    public async Task PassAsync(CancellationToken ct)
    {
        for (var i = 0; i < Batch && await SweepNextAsync(ct); i++)
        {
        }
    }

    private async Task<bool> SweepNextAsync(CancellationToken ct)
    {
        (Guid VideoId, DateTimeOffset Due) row = default;
        try
        {
            return await SweepFirstAsync(claimed => row = claimed, ct);
        }
        catch (Exception exception) when (row != default && !ct.IsCancellationRequested)
        {
            await PutOffAsync(row.VideoId, row.Due, ct);
            if (Outages.IsOutage(exception))
            {
                throw;
            }

            Log.NotSwept(logger, exception, row.VideoId);
            return true;
        }
    }

    private async Task PutOffAsync(Guid videoId, DateTimeOffset due, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("update sweeps set due = now() + $3 where video_id = $1 and due = $2", [videoId, due, _failedAfter], ct);
    }

    /// <returns>False where no row is due.</returns>
    private async Task<bool> SweepFirstAsync(Action<(Guid VideoId, DateTimeOffset Due)> claimed, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var due = await connection.FirstAsync("select video_id, due from sweeps where due < now() order by due limit 1 for update skip locked", [],
            row => (VideoId: row.GetGuid(0), Due: row.GetFieldValue<DateTimeOffset>(1)), ct);
        if (due == default)
        {
            return false;
        }

        claimed(due);
        await connection.MayRestAsync(ct);
        var listed = await objects.ListAsync(ObjectKeys.Video(due.VideoId), ct).Select(entry => entry.Key).ToListAsync(ct);
        var uploads = await objects.ListUploadsAsync(ObjectKeys.Video(due.VideoId), ct);
        var keep = await KeptAsync(connection, due.VideoId, ct);
        List<string> dead = [.. listed.Where(key => !keep(key))];
        await objects.DeleteAsync(dead, ct);
        foreach (var (key, id) in uploads.Where(upload => !keep(upload.Key)))
        {
            await objects.AbortUploadAsync(key, id, ct);
        }

        await connection.ExecuteAsync("delete from sweeps where video_id = $1 and due = $2", [due.VideoId, due.Due], ct);
        await transaction.CommitAsync(ct);
        Log.Swept(logger, due.VideoId, dead.Count, listed.Count - dead.Count);
        return true;
    }

    /// <summary>Which keys of the video are still needed.</summary>
    private static async Task<Func<string, bool>> KeptAsync(NpgsqlConnection connection, Guid videoId, CancellationToken ct)
    {
        var video = await connection.FirstAsync(
            "select v.state, p.catalogue::text from videos v left join video_versions p on p.video_id = v.id and p.version = v.version where v.id = $1", [videoId],
            row => (State: VideoLifecycle.Table.Parse(row.GetString(0)), Catalogue: row.GetNullable<string>(1)), ct);
        if (video.State == VideoState.Deleted)
        {
            return _ => false;
        }

        HashSet<string> keys = new(StringComparer.Ordinal) { ObjectKeys.Source(videoId) };
        foreach (var output in await connection.ListAsync("select output::text from jobs where video_id = $1 and output is not null", [videoId], row => row.GetString(0), ct))
        {
            keys.UnionWith(JsonSerializer.Deserialize(output, JobJson.Default.JobOutput)!.Files.Select(file => file.Key));
        }

        if (video.Catalogue is { } json)
        {
            keys.UnionWith(JsonSerializer.Deserialize(json, MediaJson.Default.Catalogue)!.Objects.Select(stored => stored.Key));
        }

        // A job that is not finished may still need what its tasks have committed, and what they are writing now; one that failed, as long as it can be replayed.
        var leases = await connection.ListAsync(
            """
            select j.version, r.lease_token from task_runs r join tasks t on t.id = r.task_id join jobs j on j.id = t.job_id
            where t.video_id = $1 and j.state <> all($2) and (j.state <> $3 or exists (select from dead_letters d where d.job_id = j.id))
            and (r.outcome = $4 or t.lease_token = r.lease_token)
            """,
            [videoId, (string[])[JobLifecycle.Table.NameOf(JobState.Completed), JobLifecycle.Table.NameOf(JobState.Cancelled)], JobLifecycle.Table.NameOf(JobState.Failed), nameof(TaskTrigger.Completed)],
            row => ObjectKeys.Lease(videoId, row.GetInt32(0), row.GetInt64(1)), ct);
        return key => keys.Contains(key) || leases.Any(prefix => key.StartsWith(prefix, StringComparison.Ordinal));
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Swept video {VideoId}: {Removed} objects removed, {Kept} kept")]
        public static partial void Swept(ILogger logger, Guid videoId, int removed, int kept);

        [LoggerMessage(Level = LogLevel.Error, Message = "Video {VideoId} could not be swept")]
        public static partial void NotSwept(ILogger logger, Exception exception, Guid videoId);
    }
}
