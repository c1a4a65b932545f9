using System.Diagnostics;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;

namespace Lifecycle.Store.Tasks;

/// <summary>What became of an attempt to end a run.</summary>
public enum RunEnd
{
    Committed,

    /// <summary>The lease is somebody else's: nothing was written.</summary>
    LeaseLost,
}

/// <summary>A task that a plan asks for.</summary>
/// <param name="Weight">Its share of the job's work, in any unit that the job's tasks share.</param>
public sealed record PlannedTask(TaskKind Kind, int Ordinal, TaskTrigger Trigger, double Weight, int Slots);

/// <summary>What a plan asks for: chunks, audio, and the task that joins them.</summary>
/// <param name="Chunks">The weight of each. Neither chunks nor audio: the plan has done their work, and the last task may begin.</param>
/// <param name="Audio">Its weight; null: no audio task.</param>
/// <param name="Slots">What a chunk takes of a worker.</param>
/// <param name="Probe">What was found in the source, JSON.</param>
/// <param name="SourceSha256">Of a source that came in pieces; null where it is known.</param>
public sealed record PlannedWork(IReadOnlyList<double> Chunks, double? Audio, int Slots = 1, string? Probe = null, byte[]? SourceSha256 = null)
{
    /// <summary>Joining takes little, beside what it joins.</summary>
    private const double FinalShare = 0.03;

    /// <summary>Audio first: it takes one worker about as long as a chunk, and its end must not be the one that all wait for.</summary>
    internal IEnumerable<PlannedTask> Tasks =>
    [
        .. Audio is { } audio ? [new PlannedTask(TaskKind.Audio, 1, TaskTrigger.Created, audio, 1)] : Array.Empty<PlannedTask>(),
        .. Chunks.Select((weight, chunk) => new PlannedTask(TaskKind.Chunk, chunk + 2, TaskTrigger.Created, weight, Slots)),
        Chunks.Count == 0 && Audio is null
            ? new(TaskKind.Finalize, 2, TaskTrigger.Created, 1, 1)
            : new(TaskKind.Finalize, Chunks.Count + 2, TaskTrigger.CreatedWaiting, FinalShare * (Chunks.Sum() + (Audio ?? 0)), 1),
    ];

    public static PlannedWork Of(int chunks, bool audio) => new([.. Enumerable.Repeat(1.0, chunks)], audio ? 1 : null);
}

/// <summary>The documents of a finished version, each JSON.</summary>
public sealed record FinishedVersion(string Catalogue, string Conformance, string Media);

/// <summary>
/// How runs end. Fan-in is derived from the task rows under the job's lock, never from a counter, so that it holds in any
/// order and after any crash.
/// </summary>
public sealed class TaskOutcomes(LifecycleDatabase database, JobDependencies dependencies, RetrySchedule schedule)
{
    /// <summary>
    /// A task that was put off for so long spends an attempt: what calls itself an outage may be the task's own fault, and then
    /// it would come back for ever. Far above any outage that somebody mends.
    /// </summary>
    public static readonly TimeSpan PutOffAtMost = TimeSpan.FromHours(2);

    private const string EndRun =
        """
        with ended as (
            update tasks set state = $3, lease_token = null, lease_until = null, worker_id = null,
                attempt = attempt + $4, run_after = now() + $5, progress = $6, output = coalesce($7::jsonb, output),
                failure_category = $8, failure_reason = $9, failure_detail = $10, finished_at = case when $6 = 1 then now() end
            where id = $1)
        update task_runs set ended_at = now(), outcome = $11 where task_id = $1 and lease_token = $2
        """;

    /// <summary>Ends the plan: its output, and the tasks that it asks for, in one transaction.</summary>
    public Task<RunEnd> CompletePlanAsync(ClaimedTask task, string output, PlannedWork work, CancellationToken ct) => EndAsync(task, async (transaction, video, job) =>
    {
        if (work.SourceSha256 is { } digest)
        {
            await transaction.Connection.ExecuteAsync("update videos set source_sha256 = $2 where id = $1", [video.Id, digest], ct);
        }

        await WriteEndAsync(transaction, task, TaskTrigger.Completed, 0, TimeSpan.Zero, output, null, ct);
        if (work.Probe is { } probe)
        {
            await transaction.Connection.ExecuteAsync("update videos set probe = $2::jsonb where id = $1", [video.Id, probe], ct);
        }

        var created = work.Tasks.ToList();
        await transaction.Connection.ExecuteAsync(
            """
            insert into tasks (id, job_id, video_id, kind, ordinal, state, weight, slots, priority, job_sequence)
            select id, $1, $2, kind, ordinal, state, weight, slots, $3, $4 from unnest($5, $6, $7, $8, $9, $10) as task (id, kind, ordinal, state, weight, slots)
            """,
            [job.Id, video.Id, job.Priority, job.Sequence, created.Select(_ => Guid.CreateVersion7()).ToArray(), created.Select(each => TaskLifecycle.NameOf(each.Kind)).ToArray(),
             created.Select(each => each.Ordinal).ToArray(), created.Select(each => TaskLifecycle.Table.NameOf(TaskLifecycle.Table.Initial(each.Trigger))).ToArray(),
             created.Select(each => (float)each.Weight).ToArray(), created.Select(each => each.Slots).ToArray()], ct);
        await transaction.PermitAsync(job.Id, video.Id, created.Count(each => each.Trigger == TaskTrigger.Created), job.TraceParent, ct);
        return RunEnd.Committed;
    }, ct);

    /// <summary>Whether the video's bytes came in pieces, so that nobody has hashed them as a whole yet.</summary>
    public async Task<bool> LacksSourceDigestAsync(Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<bool>("select source_sha256 is null from videos where id = $1", [videoId], ct);
    }

    /// <summary>Ends a chunk or the audio; the one that ends last makes the finalizing task runnable.</summary>
    public Task<RunEnd> CompletePartAsync(ClaimedTask task, string output, CancellationToken ct) => EndAsync(task, async (transaction, video, job) =>
    {
        await WriteEndAsync(transaction, task, TaskTrigger.Completed, 0, TimeSpan.Zero, output, null, ct);
        await FanInAsync(transaction, job, video.Id, ct);
        return RunEnd.Committed;
    }, ct);

    /// <summary>Ends the last task of a video's own processing: the version's documents, the switch to it, the job and the video, in one transaction.</summary>
    public Task<RunEnd> CompleteFinalAsync(ClaimedTask task, FinishedVersion version, CancellationToken ct) => EndJobAsync(task, async (transaction, video) =>
    {
        await transaction.Connection.ExecuteAsync(
            "insert into video_versions (video_id, version, catalogue, conformance, media) values ($1, $2, $3::jsonb, $4::jsonb, $5::jsonb)",
            [video.Id, task.Version, version.Catalogue, version.Conformance, version.Media], ct);
        await transaction.Connection.ExecuteAsync("update videos set version = $2 where id = $1", [video.Id, task.Version], ct);
    }, ct);

    /// <summary>Ends the last task of a transcode job: what it made, and the job, in one transaction.</summary>
    /// <param name="output"><see cref="JobOutput"/> as JSON.</param>
    public Task<RunEnd> CompleteOutputAsync(ClaimedTask task, string output, CancellationToken ct) => EndJobAsync(task, (transaction, _) =>
        transaction.Connection.ExecuteAsync("update jobs set output = $2::jsonb where id = $1", [task.JobId, output], ct), ct);

    /// <summary>Ends the last task of a job whose result is elsewhere, and the job.</summary>
    public Task<RunEnd> CompleteJobAsync(ClaimedTask task, CancellationToken ct) => EndJobAsync(task, (_, _) => Task.CompletedTask, ct);

    /// <summary>Ends a failed run: another attempt after the schedule's delay, or the dead letter queue.</summary>
    public Task<RunEnd> FailAsync(ClaimedTask task, TaskFailure failure, CancellationToken ct) =>
        EndAsync(task, (transaction, video, job) => SpendAttemptAsync(transaction, video, job, task, failure, TaskTrigger.Retried, schedule.DelayAfter(task.Attempt), ct), ct);

    /// <summary>
    /// Gives the task back because a store is away or the disk is full: it runs again after <paramref name="delay"/> and no
    /// attempt is spent. When nothing but this has happened for <see cref="PutOffAtMost"/>, it fails with <paramref name="cause"/>.
    /// </summary>
    public Task<RunEnd> SnoozeAsync(ClaimedTask task, TimeSpan delay, TaskFailure cause, CancellationToken ct) => EndAsync(task, async (transaction, video, job) =>
    {
        if (await IsPutOffTooLongAsync(transaction, task, ct))
        {
            return await SpendAttemptAsync(transaction, video, job, task, cause, TaskTrigger.Retried, schedule.DelayAfter(task.Attempt), ct);
        }

        await WriteEndAsync(transaction, task, TaskTrigger.Snoozed, 0, delay, null, null, ct);
        return RunEnd.Committed;
    }, ct);

    /// <summary>Gives the task back at once, without spending an attempt: the job was stopped, or this worker is.</summary>
    public Task<RunEnd> PreemptAsync(ClaimedTask task, CancellationToken ct) => EndAsync(task, async (transaction, video, job) =>
    {
        await WriteEndAsync(transaction, task, TaskTrigger.Preempted, 0, TimeSpan.Zero, null, null, ct);
        await transaction.PermitAsync(job.Id, video.Id, 1, job.TraceParent, ct);
        return RunEnd.Committed;
    }, ct);

    /// <summary>Has the sweeper look at the video: a lease of it was lost.</summary>
    public async Task SweepAsync(Guid videoId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        await transaction.SweepAsync(videoId, ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>The outputs of a job's finished tasks of one kind, as JSON, by ordinal.</summary>
    public async Task<IReadOnlyList<string>> OutputsAsync(Guid jobId, TaskKind kind, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            "select output::text from tasks where job_id = $1 and kind = $2 and state = $3 and output is not null order by ordinal",
            [jobId, TaskLifecycle.NameOf(kind), TaskLifecycle.Table.NameOf(TaskState.Done)], row => row.GetString(0), ct);
    }

    /// <summary>The rescuer's end of a run whose lease ran out.</summary>
    internal async Task ExpireAsync(ClaimedTask task, CancellationToken ct)
    {
        TaskFailure failure = new(FailureCategory.Crash, $"The worker stopped answering during attempt {task.Attempt}.", null, IsPermanent: false);
        await using var transaction = await database.BeginAsync(ct);
        if (await LockAsync(transaction, task, ct) is not var (video, job)
            || !await transaction.Connection.ScalarAsync<bool>("select lease_until < now() from tasks where id = $1", [task.TaskId], ct))
        {
            return; // a beat came through after all
        }

        // Runs at once: the crash itself took the lease's length already.
        TimeSpan? delay = schedule.DelayAfter(task.Attempt) is null ? null : TimeSpan.Zero;
        await EndLockedAsync(transaction, video, job, task, (_, _, _) => SpendAttemptAsync(transaction, video, job, task, failure, TaskTrigger.LeaseExpired, delay, ct), ct);
        await transaction.CommitAsync(ct);
    }

    /// <summary>Makes the finalizing task runnable when nothing else of the job is open.</summary>
    internal static async Task FanInAsync(LifecycleTransaction transaction, LockedJob job, Guid videoId, CancellationToken ct)
    {
        var released = await transaction.Connection.ExecuteAsync(
            """
            update tasks set state = $2, run_after = now() where job_id = $1 and kind = $3 and state = $4
            and not exists (select from tasks o where o.job_id = $1 and o.kind <> $3 and o.state <> $5)
            """,
            [job.Id, TaskLifecycle.Table.NameOf(TaskLifecycle.Table.Next(TaskState.Waiting, TaskTrigger.InputsDone)!.Value), TaskLifecycle.NameOf(TaskKind.Finalize),
             TaskLifecycle.Table.NameOf(TaskState.Waiting), TaskLifecycle.Table.NameOf(TaskState.Done)], ct);
        await transaction.PermitAsync(job.Id, videoId, released, job.TraceParent, ct);
    }

    private async Task<RunEnd> EndJobAsync(ClaimedTask task, Func<LifecycleTransaction, LockedVideo, Task> publish, CancellationToken ct)
    {
        var end = await EndAsync(task, async (transaction, video, job) =>
        {
            if (JobLifecycle.Table.Next(job.State, JobTrigger.LastTaskDone) is null)
            {
                await WriteEndAsync(transaction, task, TaskTrigger.Preempted, 0, TimeSpan.Zero, null, null, ct);
                return RunEnd.Committed; // paused or cancelled while it ran: nothing is published
            }

            await WriteEndAsync(transaction, task, TaskTrigger.Completed, 0, TimeSpan.Zero, null, null, ct);
            await publish(transaction, video);
            await transaction.MoveAsync(job, video, JobTrigger.LastTaskDone, null, ct);
            await transaction.SweepAsync(video.Id, ct);
            return RunEnd.Committed;
        }, ct);
        try
        {
            await dependencies.DecideDependentsAsync(task.JobId, ct);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
        {
            // Committed is committed: the rescuer decides them.
        }

        return end;
    }

    private async Task<RunEnd> EndAsync(ClaimedTask task, Func<LifecycleTransaction, LockedVideo, LockedJob, Task<RunEnd>> end, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await LockAsync(transaction, task, ct) is not var (video, job))
        {
            return RunEnd.LeaseLost;
        }

        var result = await EndLockedAsync(transaction, video, job, task, end, ct);
        await transaction.CommitAsync(ct);
        return result;
    }

    /// <summary>Of a cancelled job nobody wants what came of the run, whatever it is.</summary>
    private static async Task<RunEnd> EndLockedAsync(
        LifecycleTransaction transaction, LockedVideo video, LockedJob job, ClaimedTask task, Func<LifecycleTransaction, LockedVideo, LockedJob, Task<RunEnd>> end, CancellationToken ct)
    {
        if (job.State != JobState.Cancelled)
        {
            return await end(transaction, video, job);
        }

        await WriteEndAsync(transaction, task, TaskTrigger.Cancelled, 0, TimeSpan.Zero, null, null, ct);
        return RunEnd.Committed;
    }

    /// <summary>Locks video, job and task; null when the lease is not this one any more.</summary>
    private static async Task<(LockedVideo Video, LockedJob Job)?> LockAsync(LifecycleTransaction transaction, ClaimedTask task, CancellationToken ct)
    {
        if (await transaction.LockVideoAsync(task.VideoId, ct) is not { } video || await transaction.LockJobAsync(task.JobId, ct) is not { } job)
        {
            return null;
        }

        var token = await transaction.Connection.ScalarAsync<long>("select lease_token from tasks where id = $1 for update", [task.TaskId], ct);
        return token == task.LeaseToken ? (video, job) : null;
    }

    /// <summary>Counts from the first run that was put off since one ended otherwise; being given back is no end.</summary>
    private static Task<bool> IsPutOffTooLongAsync(LifecycleTransaction transaction, ClaimedTask task, CancellationToken ct) => transaction.Connection.ScalarAsync<bool>(
        """
        select min(started_at) < now() - $3 from task_runs where task_id = $1 and outcome = $2
        and lease_token > coalesce((select max(lease_token) from task_runs where task_id = $1 and outcome not in ($2, $4)), 0)
        """, [task.TaskId, nameof(TaskTrigger.Snoozed), PutOffAtMost, nameof(TaskTrigger.Preempted)], ct);

    private static async Task<RunEnd> SpendAttemptAsync(
        LifecycleTransaction transaction, LockedVideo video, LockedJob job, ClaimedTask task, TaskFailure failure, TaskTrigger again, TimeSpan? delay, CancellationToken ct)
    {
        if (!failure.IsPermanent && delay is { } wait)
        {
            await WriteEndAsync(transaction, task, again, 1, wait, null, failure, ct);
            await transaction.PermitAsync(job.Id, video.Id, wait == TimeSpan.Zero ? 1 : 0, job.TraceParent, ct);
            return RunEnd.Committed;
        }

        await WriteEndAsync(transaction, task, TaskTrigger.Exhausted, 0, TimeSpan.Zero, null, failure, ct);
        if (await transaction.MoveAsync(job, video, JobTrigger.TaskFailed, failure, ct) == MoveOutcome.Moved)
        {
            await transaction.Connection.ExecuteAsync(
                "insert into dead_letters (id, task_id, job_id, video_id, category, reason, detail, attempts) values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (task_id) do nothing",
                [Guid.CreateVersion7(), task.TaskId, job.Id, video.Id, failure.CategoryName, failure.Reason, failure.Detail, task.Attempt], ct);
            await transaction.SweepAsync(video.Id, ct);
        }

        return RunEnd.Committed;
    }

    private static Task<int> WriteEndAsync(
        LifecycleTransaction transaction, ClaimedTask task, TaskTrigger trigger, int attempts, TimeSpan delay, string? output, TaskFailure? failure, CancellationToken ct)
    {
        var next = TaskLifecycle.Table.Next(TaskState.Leased, trigger) ?? throw new InvalidOperationException($"A leased task has no {trigger}.");
        var progress = next == TaskState.Done ? 1f : 0f;
        return transaction.Connection.ExecuteAsync(EndRun,
            [task.TaskId, task.LeaseToken, TaskLifecycle.Table.NameOf(next), attempts, delay, progress, output,
             failure?.CategoryName, failure?.Reason, Tail(failure?.Detail), trigger.ToString()], ct);
    }

    private static string? Tail(string? detail) => detail is { Length: > Limits.FailureDetailChars } ? detail[^Limits.FailureDetailChars..] : detail;
}
