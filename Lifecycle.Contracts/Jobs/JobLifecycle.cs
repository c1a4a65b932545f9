using Lifecycle.Contracts.Videos;

namespace Lifecycle.Contracts.Jobs;

/// <summary>Where a job stands; the names are those of seed 004.</summary>
public enum JobState
{
    /// <summary>Waits for the jobs that it depends on.</summary>
    Pending,

    /// <summary>Has work that may be claimed.</summary>
    Queued,

    /// <summary>At least one task has been claimed.</summary>
    Processing,

    /// <summary>Stopped by its owner; running tasks are given back with what they finished.</summary>
    Paused,

    /// <summary>Every task is done. Final.</summary>
    Completed,

    /// <summary>A task failed for good; it stands in the dead letter queue. Left by a replay.</summary>
    Failed,

    /// <summary>Ended by its owner. Final.</summary>
    Cancelled,
}

public enum JobTrigger
{
    Created,
    CreatedWithDependencies,
    DependenciesMet,
    WorkClaimed,
    Paused,
    Resumed,
    LastTaskDone,
    TaskFailed,
    Cancelled,
    Replayed,
}

/// <summary>The only place that names two job states together, and what each move means for the video of an ingest job.</summary>
public static class JobLifecycle
{
    public static StateTable<JobState, JobTrigger> Table { get; } = new(state => state.ToString().ToLowerInvariant(),
    [
        new(null, JobTrigger.Created, JobState.Queued, "the transaction that verifies the source", "workers poll"),
        new(null, JobTrigger.CreatedWithDependencies, JobState.Pending, "API", "rescuer"),
        new(JobState.Pending, JobTrigger.DependenciesMet, JobState.Queued, "worker, right behind the end of the last dependency", "rescuer"),
        new(JobState.Queued, JobTrigger.WorkClaimed, JobState.Processing, "worker", "workers poll"),
        new(JobState.Queued, JobTrigger.Paused, JobState.Paused, "API"),
        new(JobState.Processing, JobTrigger.Paused, JobState.Paused, "API"),
        new(JobState.Paused, JobTrigger.Resumed, JobState.Queued, "API", "workers poll"),
        new(JobState.Processing, JobTrigger.LastTaskDone, JobState.Completed, "the transaction that ends the last task", "rescuer"),
        new(JobState.Pending, JobTrigger.TaskFailed, JobState.Failed, "rescuer, when a dependency has failed or was cancelled"),
        new(JobState.Queued, JobTrigger.TaskFailed, JobState.Failed, "rescuer"),
        new(JobState.Processing, JobTrigger.TaskFailed, JobState.Failed, "worker or rescuer"),
        new(JobState.Paused, JobTrigger.TaskFailed, JobState.Failed, "worker or rescuer: a task that ran when the pause came"),
        new(JobState.Pending, JobTrigger.Cancelled, JobState.Cancelled, "API"),
        new(JobState.Queued, JobTrigger.Cancelled, JobState.Cancelled, "API"),
        new(JobState.Processing, JobTrigger.Cancelled, JobState.Cancelled, "API"),
        new(JobState.Paused, JobTrigger.Cancelled, JobState.Cancelled, "API"),
        new(JobState.Failed, JobTrigger.Replayed, JobState.Queued, "operator or API", "workers poll"),
    ]);

    /// <summary>The names of the states of jobs that go on.</summary>
    public static string[] OpenNames { get; } = [.. Enum.GetValues<JobState>().Where(state => !IsOver(state)).Select(Table.NameOf)];

    /// <summary>The names of the states in which a job has ended without what it was for.</summary>
    public static string[] LostNames { get; } = [.. Enum.GetValues<JobState>().Where(state => IsOver(state) && state != JobState.Completed).Select(Table.NameOf)];

    /// <summary>Whether the job has ended: only a replay leaves such a state.</summary>
    public static bool IsOver(JobState state) => Table.AllowedIn(state).All(trigger => trigger == JobTrigger.Replayed);

    /// <summary>As written in the database.</summary>
    public static string NameOf(JobKind kind) => kind.ToString().ToLowerInvariant();

    public static JobKind ParseKind(string name) => Enum.Parse<JobKind>(name, ignoreCase: true);

    /// <summary>What a job's move does to the video when the job is the video's own processing; null: nothing.</summary>
    public static VideoTrigger? EffectOnVideo(JobTrigger trigger) => trigger switch
    {
        JobTrigger.WorkClaimed => VideoTrigger.WorkClaimed,
        JobTrigger.LastTaskDone => VideoTrigger.OutputsVerified,
        JobTrigger.TaskFailed or JobTrigger.Cancelled => VideoTrigger.ProcessingFailed,
        JobTrigger.Replayed => VideoTrigger.Retried,
        _ => null,
    };
}
