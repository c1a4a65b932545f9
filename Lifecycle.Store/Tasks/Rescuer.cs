using Lifecycle.Contracts.Tasks;
using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;
using Microsoft.Extensions.Logging;

namespace Lifecycle.Store.Tasks;

/// <summary>Moves on what nobody moves: expired leases go back, missed fan-ins are made up for. Any number may run.</summary>
public sealed partial class Rescuer(LifecycleDatabase database, TaskOutcomes outcomes, JobDependencies dependencies, ILogger<Rescuer> logger)
{
    /// <summary>Rows that one pass takes: the next pass takes the rest.</summary>
    private const int Batch = 50;

    public async Task PassAsync(CancellationToken ct)
    {
        foreach (var task in await ExpiredAsync(ct))
        {
            Log.LeaseExpired(logger, task.Kind, task.TaskId, task.VideoId, task.Attempt);
            await ApartAsync(task.VideoId, () => outcomes.ExpireAsync(task, ct), ct);
        }

        foreach (var (jobId, videoId) in await MissedFanInsAsync(ct))
        {
            await ApartAsync(videoId, () => FanInAsync(jobId, videoId, ct), ct);
        }

        foreach (var (jobId, videoId) in await dependencies.DecidedAsync(Batch, ct))
        {
            await ApartAsync(videoId, () => dependencies.DecideAsync(jobId, videoId, ct), ct);
        }
    }

    /// <summary>One row's failure must not keep the others waiting: not even a timeout, which may be one stopped process's lock on its video.</summary>
    private async Task ApartAsync(Guid videoId, Func<Task> rescue, CancellationToken ct)
    {
        try
        {
            await rescue();
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            Log.NotRescued(logger, exception, videoId);
        }
    }

    private async Task FanInAsync(Guid jobId, Guid videoId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await transaction.LockVideoAsync(videoId, ct) is not null && await transaction.LockJobAsync(jobId, ct) is { } job)
        {
            Log.FanInMissed(logger, jobId);
            await TaskOutcomes.FanInAsync(transaction, job, videoId, ct);
            await transaction.CommitAsync(ct);
        }
    }

    private async Task<List<ClaimedTask>> ExpiredAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            $"""
            select {ClaimedTask.Columns} from tasks t join jobs j on j.id = t.job_id
            where t.state = 'leased' and t.lease_until < now() order by t.lease_until limit $1
            """, [Batch], ClaimedTask.Map, ct);
    }

    private async Task<List<(Guid JobId, Guid VideoId)>> MissedFanInsAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            """
            select t.job_id, t.video_id from tasks t join jobs j on j.id = t.job_id where t.kind = 'finalize' and t.state = 'waiting' and j.state in ('queued', 'processing')
            and not exists (select from tasks o where o.job_id = t.job_id and o.kind <> 'finalize' and o.state <> 'done') limit $1
            """, [Batch], row => (row.GetGuid(0), row.GetGuid(1)), ct);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Lease of {Kind} task {TaskId} of video {VideoId} ran out in attempt {Attempt}")]
        public static partial void LeaseExpired(ILogger logger, TaskKind kind, Guid taskId, Guid videoId, int attempt);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Fan-in of job {JobId} had been missed")]
        public static partial void FanInMissed(ILogger logger, Guid jobId);

        [LoggerMessage(Level = LogLevel.Error, Message = "A task of video {VideoId} could not be rescued; the next pass tries again")]
        public static partial void NotRescued(ILogger logger, Exception exception, Guid videoId);
    }
}
