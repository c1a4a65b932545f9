namespace Lifecycle.Contracts.Tasks;

/// <summary>Where a task stands. A task is claimable when it is runnable, due, and its job is queued or processing.</summary>
public enum TaskState
{
    /// <summary>Its inputs are not all there: fan-in makes it runnable, the rescuer if fan-in was missed.</summary>
    Waiting,

    /// <summary>Any worker may claim it from <c>run_after</c> on.</summary>
    Runnable,

    /// <summary>A worker holds it until <c>lease_until</c>; the rescuer gives it back afterwards.</summary>
    Leased,

    /// <summary>Its output is committed. Final.</summary>
    Done,

    /// <summary>Out of attempts, or unusable media: it stands in the dead letter queue. Left by a replay. Or its job was cancelled or given up: final.</summary>
    Failed,
}

public enum TaskTrigger
{
    Created,
    CreatedWaiting,
    InputsDone,
    Claimed,
    Completed,
    Retried,
    Snoozed,
    Preempted,
    LeaseExpired,
    Exhausted,
    Cancelled,
    Replayed,
}

/// <summary>What a task does. Ordinals within a job follow this order: plan, chunks, audio, finalize.</summary>
public enum TaskKind
{
    /// <summary>Probe, normalize, ladder, chunk boundaries.</summary>
    Plan,

    /// <summary>One stretch of the video in all renditions.</summary>
    Chunk,

    /// <summary>All audio tracks over the whole file.</summary>
    Audio,

    /// <summary>Verification, poster, storyboard, catalogue.</summary>
    Finalize,
}

/// <summary>The only place that names two task states together.</summary>
public static class TaskLifecycle
{
    public static StateTable<TaskState, TaskTrigger> Table { get; } = new(state => state.ToString().ToLowerInvariant(),
    [
        new(null, TaskTrigger.Created, TaskState.Runnable, "the transaction that creates its job or ends the plan", "workers poll"),
        new(null, TaskTrigger.CreatedWaiting, TaskState.Waiting, "the transaction that ends the plan", "rescuer"),
        new(TaskState.Waiting, TaskTrigger.InputsDone, TaskState.Runnable, "the transaction that ends its last input", "rescuer"),
        new(TaskState.Runnable, TaskTrigger.Claimed, TaskState.Leased, "worker", "rescuer, when the lease runs out"),
        new(TaskState.Leased, TaskTrigger.Completed, TaskState.Done, "worker"),
        new(TaskState.Leased, TaskTrigger.Retried, TaskState.Runnable, "worker: an attempt is spent, run_after grows", "workers poll"),
        new(TaskState.Leased, TaskTrigger.Snoozed, TaskState.Runnable, "worker: a store is away or its disk is full, no attempt is spent until this has gone on for 2 h", "workers poll"),
        new(TaskState.Leased, TaskTrigger.Preempted, TaskState.Runnable, "worker: paused, cancelled, shutting down, or a live session takes the slot; no attempt is spent", "workers poll"),
        new(TaskState.Leased, TaskTrigger.LeaseExpired, TaskState.Runnable, "rescuer: an attempt is spent", "workers poll"),
        new(TaskState.Leased, TaskTrigger.Exhausted, TaskState.Failed, "worker or rescuer"),
        new(TaskState.Waiting, TaskTrigger.Cancelled, TaskState.Failed, "the transaction that cancels its job, or deletes its dead letter"),
        new(TaskState.Runnable, TaskTrigger.Cancelled, TaskState.Failed, "the transaction that cancels its job, or deletes its dead letter"),
        new(TaskState.Leased, TaskTrigger.Cancelled, TaskState.Failed, "worker or rescuer, when its job has been cancelled"),
        new(TaskState.Failed, TaskTrigger.Replayed, TaskState.Runnable, "operator or API", "workers poll"),
    ]);

    /// <summary>As written in the database.</summary>
    public static string NameOf(TaskKind kind) => kind.ToString().ToLowerInvariant();

    public static TaskKind ParseKind(string name) => Enum.Parse<TaskKind>(name, ignoreCase: true);
}
