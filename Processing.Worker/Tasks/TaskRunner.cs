using System.Diagnostics;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Store;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Tasks;
using Microsoft.Extensions.Options;
using Processing.Worker.Media;
using Processing.Worker.Sources;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Tasks;

/// <summary>Runs one claimed task under its lease and ends the run, whatever happens: committed, failed, put off or given back.</summary>
public sealed partial class TaskRunner(
    IServiceProvider handlers, TaskQueue queue, TaskOutcomes outcomes, ScratchSpace scratch, FaultPoints faults,
    IOptions<WorkerOptions> options, TimeProvider time, ILogger<TaskRunner> logger)
{
    private static readonly ActivitySource _activities = new("VideoPlatform.Worker");

    /// <summary>How long the end of a run is retried while the database is away, before the lease is left to run out.</summary>
    private static readonly TimeSpan _endWithin = TimeSpan.FromSeconds(20);

    public async Task RunAsync(ClaimedTask task, CancellationToken stopping)
    {
        using var activity = Start(task);
        using var scope = logger.BeginScope(new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["VideoId"] = task.VideoId, ["JobId"] = task.JobId, ["TaskId"] = task.TaskId, ["Attempt"] = task.Attempt,
        });
        var started = time.GetTimestamp();
        await using LeaseKeeper lease = new(queue, task, time, logger, stopping);
        string? folder = null;
        try
        {
            folder = scratch.Create(task);
            var handler = handlers.GetRequiredKeyedService<ITaskHandler>((task.Job, task.Kind));
            var end = await handler.RunAsync(new(task, folder, lease, lease.Stop));
            await faults.PassAsync(FaultPoint.TaskAfterCommit, CancellationToken.None);
            Log.Ended(logger, task.Kind, task.Ordinal, task.VideoId, end, time.GetElapsedTime(started).TotalSeconds);
            if (end == RunEnd.LeaseLost)
            {
                await SweepAsync(task);
            }
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
            await EndAsync(task, lease, exception, stopping);
        }
        finally
        {
            if (folder is not null)
            {
                scratch.Remove(folder);
            }
        }
    }

    private async Task EndAsync(ClaimedTask task, LeaseKeeper lease, Exception exception, CancellationToken stopping)
    {
        using CancellationTokenSource within = new(_endWithin, time);
        try
        {
            if (lease.IsLost || await WriteEndAsync(task, lease, exception, stopping, within.Token) == RunEnd.LeaseLost)
            {
                Log.LeaseLost(logger, task.Kind, task.Ordinal, task.VideoId);
                await SweepAsync(task);
            }
        }
        catch (Exception outage) when (outage is OperationCanceledException || Outages.IsOutage(outage))
        {
            Log.LeftToRescuer(logger, task.Kind, task.Ordinal, task.VideoId, outage.Message);
        }
    }

    private Task<RunEnd> WriteEndAsync(ClaimedTask task, LeaseKeeper lease, Exception exception, CancellationToken stopping, CancellationToken ct)
    {
        if (exception is OperationCanceledException && (lease.IsStopped || stopping.IsCancellationRequested))
        {
            Log.GivenBack(logger, task.Kind, task.Ordinal, task.VideoId);
            return outcomes.PreemptAsync(task, ct);
        }

        var failure = FailureOf(exception);
        if (exception is ScratchFullException || IsOutage(exception))
        {
            Log.PutOff(logger, task.Kind, task.Ordinal, task.VideoId, exception.Message);
            return outcomes.SnoozeAsync(task, Jitter(TimeSpan.FromSeconds(options.Value.SnoozeSeconds)), failure, ct);
        }

        Log.Failed(logger, exception, task.Kind, task.Ordinal, task.VideoId, failure.CategoryName, failure.Reason);
        return outcomes.FailAsync(task, failure, ct);
    }

    /// <summary>
    /// Has the sweeper look soon. Only it removes: a lease that seems lost may have committed, when the commit's answer was lost
    /// or this process was stopped behind it, and then its objects are the video's.
    /// </summary>
    private async Task SweepAsync(ClaimedTask task)
    {
        using CancellationTokenSource within = new(_endWithin, time);
        try
        {
            await outcomes.SweepAsync(task.VideoId, within.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
        {
            Log.LeftToLaterSweep(logger, task.VideoId, exception.Message);
        }
    }

    private static Activity? Start(ClaimedTask task)
    {
        var activity = ActivityContext.TryParse(task.TraceParent, null, out var parent)
            ? _activities.StartActivity($"task {TaskLifecycle.NameOf(task.Kind)}", ActivityKind.Consumer, parent)
            : _activities.StartActivity($"task {TaskLifecycle.NameOf(task.Kind)}", ActivityKind.Consumer);
        return activity?.SetTag("video.id", task.VideoId).SetTag("job.id", task.JobId).SetTag("task.id", task.TaskId).SetTag("task.attempt", task.Attempt);
    }

    private static bool IsOutage(Exception exception) => exception is ChunkUnavailableException || (exception is not MediaFailureException && Outages.IsOutage(exception));

    private static TaskFailure FailureOf(Exception exception) => exception switch
    {
        MediaFailureException { Failure: var media } => new(Enum.Parse<FailureCategory>(media.Category.ToString()), media.Message, media.StderrTail, media.IsPermanent),
        ScratchFullException => new(FailureCategory.Resources, "The worker has too little disk space for this video.", exception.Message, IsPermanent: false),
        ScratchTooSmallException => new(FailureCategory.Resources, "The workers' scratch disks are too small for this video.", exception.Message, IsPermanent: false),
        _ when IsOutage(exception) => new(FailureCategory.Storage, "A part of the platform that the task needs was away for too long.", exception.ToString(), IsPermanent: false),
        IOException => new(FailureCategory.Storage, "The worker could not read or write a file.", exception.ToString(), IsPermanent: false),
        _ => new(FailureCategory.Unknown, "The worker failed unexpectedly.", exception.ToString(), IsPermanent: false),
    };

    private static TimeSpan Jitter(TimeSpan delay) => delay * (0.75 + Random.Shared.NextDouble() / 2);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "{Kind} {Ordinal} of video {VideoId}: {End} after {Seconds:0.0} s")]
        public static partial void Ended(ILogger logger, TaskKind kind, int ordinal, Guid videoId, RunEnd end, double seconds);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} {Ordinal} of video {VideoId}: the lease was lost; nothing of this run counts")]
        public static partial void LeaseLost(ILogger logger, TaskKind kind, int ordinal, Guid videoId);

        [LoggerMessage(Level = LogLevel.Information, Message = "{Kind} {Ordinal} of video {VideoId}: given back")]
        public static partial void GivenBack(ILogger logger, TaskKind kind, int ordinal, Guid videoId);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} {Ordinal} of video {VideoId}: put off: {Reason}")]
        public static partial void PutOff(ILogger logger, TaskKind kind, int ordinal, Guid videoId, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} {Ordinal} of video {VideoId} failed ({Category}): {Reason}")]
        public static partial void Failed(ILogger logger, Exception exception, TaskKind kind, int ordinal, Guid videoId, string category, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} {Ordinal} of video {VideoId}: its end could not be written, the lease will run out: {Reason}")]
        public static partial void LeftToRescuer(ILogger logger, TaskKind kind, int ordinal, Guid videoId, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Outputs of a lost lease of video {VideoId} are left to a later sweep: {Reason}")]
        public static partial void LeftToLaterSweep(ILogger logger, Guid videoId, string reason);
    }
}
