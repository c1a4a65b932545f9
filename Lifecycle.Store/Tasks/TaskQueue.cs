using System.Diagnostics;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;
using Npgsql;

namespace Lifecycle.Store.Tasks;

/// <summary>A task that this worker holds. Every later write carries <paramref name="LeaseToken"/>.</summary>
/// <param name="Attempt">1 for the first run.</param>
/// <param name="Version">The version of the video that an ingest job makes; 0 for a transcode job.</param>
/// <param name="TraceParent">The trace that began with the upload.</param>
/// <param name="Slots">What it takes of the worker; never more than the worker has.</param>
public sealed record ClaimedTask(
    Guid TaskId, Guid JobId, Guid VideoId, TaskKind Kind, int Ordinal, int Attempt, int Version, long LeaseToken, string? TraceParent, JobKind Job, int Slots)
{
    /// <summary>Of its job, 10 first: what a live session takes slots from last.</summary>
    public int Priority { get; init; } = NewJob.UsualPriority;

    internal const string Columns = "t.id, t.job_id, t.video_id, t.kind, t.ordinal, t.attempt, j.version, t.lease_token, j.trace_parent, j.kind, t.slots";

    internal static ClaimedTask Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), TaskLifecycle.ParseKind(row.GetString(3)), row.GetInt32(4), row.GetInt32(5), row.GetInt32(6), row.GetInt64(7),
        row.GetNullable<string>(8), JobLifecycle.ParseKind(row.GetString(9)), row.GetInt32(10));
}

/// <summary>What a worker, and the pool as a whole, can take on.</summary>
/// <param name="Free">Slots of the worker that are free now.</param>
/// <param name="Slots">Slots that it has: a task that wants more takes all of them.</param>
/// <param name="MostJobs">Jobs of the whole pool that may have running tasks at a time.</param>
public sealed record ClaimRoom(int Free, int Slots, int MostJobs)
{
    /// <summary>No bound.</summary>
    public static ClaimRoom Any { get; } = new(int.MaxValue, int.MaxValue, int.MaxValue);
}

/// <summary>What a beat brings back to the worker.</summary>
public enum LeaseOrder
{
    Continue,

    /// <summary>The job is paused, cancelled, failed or gone: stop and give the task back.</summary>
    Stop,

    /// <summary>Somebody else holds the task now: stop, and write nothing more.</summary>
    Lost,
}

/// <param name="Task">The claimed task, or null.</param>
/// <param name="NextDue">When the next runnable task becomes due, if one is waiting for its time.</param>
/// <param name="IsFull">The next task in order waits for more free slots than there are; it is not overtaken by a smaller one.</param>
public sealed record ClaimResult(ClaimedTask? Task, DateTimeOffset? NextDue, bool IsFull = false);

/// <summary>
/// The order of work: priority (high first), then the job's sequence, then the task's ordinal. Claims, beats and the ends of
/// runs; each is one transaction that locks video, job, task in this order.
/// </summary>
public sealed class TaskQueue(LifecycleDatabase database)
{
    /// <summary>How long a task stays a worker's without a beat; long enough for a stalled disk, short enough for a 45 s takeover.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>Names the lock under which claims count the running jobs; any constant.</summary>
    private const long ConcurrencyLock = 0x56_50_4d_43; // "VPMC"

    private const string FirstDue =
        """
        select t.id, t.job_id, t.video_id, least(t.slots, $2) from tasks t join jobs j on j.id = t.job_id
        where t.state = 'runnable' and t.run_after <= now() and j.state in ('queued', 'processing')
        and ((select count(distinct job_id) from tasks where state = 'leased') < $1 or exists (select from tasks l where l.job_id = t.job_id and l.state = 'leased'))
        order by t.priority desc, t.job_sequence, t.ordinal, t.kind limit 1
        """;

    /// <summary>The first task in order, as far as there is room for it.</summary>
    public async Task<ClaimResult> ClaimAsync(string workerId, ClaimRoom room, CancellationToken ct)
    {
        while (true)
        {
            await using var transaction = await database.BeginAsync(ct);
            // The candidate is read without a lock, because locks are taken video first; a lost race just looks again.
            if (await transaction.Connection.FirstAsync(FirstDue, [room.MostJobs, room.Slots],
                row => new Candidate(row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), row.GetInt32(3)), ct) is not { } candidate)
            {
                return new(null, await NextDueAsync(transaction.Connection, ct));
            }

            if (candidate.Slots > room.Free)
            {
                return new(null, null, IsFull: true);
            }

            if (await transaction.LockVideoAsync(candidate.VideoId, ct) is { } video
                && await transaction.LockJobAsync(candidate.JobId, ct) is { } job
                && await HasRoomAsync(transaction, job, room.MostJobs, ct)
                && await TryLeaseAsync(transaction, video, job, candidate, workerId, ct) is { } task)
            {
                await transaction.CommitAsync(ct);
                return new(task, null);
            }
        }
    }

    /// <summary>Tasks that may be claimed now or later.</summary>
    public async Task<long> DepthAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<long>(
            "select count(*) from tasks t join jobs j on j.id = t.job_id where t.state = 'runnable' and j.state in ('queued', 'processing')", [], ct);
    }

    /// <summary>The beat: keeps the lease, carries progress (0 to 1) up and the job's wish down.</summary>
    public async Task<LeaseOrder> BeatAsync(ClaimedTask task, double progress, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        var job = await connection.ScalarAsync<string>(
            """
            update tasks t set lease_until = now() + $3, progress = greatest(t.progress, $4) from jobs j
            where t.id = $1 and t.lease_token = $2 and j.id = t.job_id returning j.state
            """, [task.TaskId, task.LeaseToken, Lease, (float)progress], ct);
        return job is null ? LeaseOrder.Lost : JobLifecycle.Table.Parse(job) == JobState.Processing ? LeaseOrder.Continue : LeaseOrder.Stop;
    }

    private static async Task<ClaimedTask?> TryLeaseAsync(
        LifecycleTransaction transaction, LockedVideo video, LockedJob job, Candidate candidate, string workerId, CancellationToken ct)
    {
        var taskId = candidate.TaskId;
        var row = await transaction.Connection.FirstAsync(
            "select state, kind, ordinal, attempt from tasks where id = $1 and run_after <= now() for update", [taskId],
            row => (State: TaskLifecycle.Table.Parse(row.GetString(0)), Kind: TaskLifecycle.ParseKind(row.GetString(1)), Ordinal: row.GetInt32(2), Attempt: row.GetInt32(3)), ct);
        if (row == default || TaskLifecycle.Table.Next(row.State, TaskTrigger.Claimed) is not { } leased || job.State is not (JobState.Queued or JobState.Processing))
        {
            return null;
        }

        var token = await transaction.Connection.ScalarAsync<long>(
            """
            with claimed as (
                update tasks set state = $2, lease_token = nextval('lease_tokens'), lease_until = now() + $3, worker_id = $4, started_at = now()
                where id = $1 returning id, lease_token, attempt),
            noted as (insert into task_runs (task_id, lease_token, attempt, worker_id) select id, lease_token, attempt, $4 from claimed)
            select lease_token from claimed
            """, [taskId, TaskLifecycle.Table.NameOf(leased), Lease, workerId], ct);
        await transaction.MoveAsync(job, video, JobTrigger.WorkClaimed, null, ct);
        return new(taskId, job.Id, video.Id, row.Kind, row.Ordinal, row.Attempt, job.Version, token, job.TraceParent, job.Kind, candidate.Slots) { Priority = job.Priority };
    }

    /// <summary>Counted again where no other claim can be under way: two workers that saw one place left would both take it.</summary>
    private static async Task<bool> HasRoomAsync(LifecycleTransaction transaction, LockedJob job, int mostJobs, CancellationToken ct)
    {
        if (mostJobs == int.MaxValue)
        {
            return true;
        }

        await transaction.Connection.ExecuteAsync("select pg_advisory_xact_lock($1)", [ConcurrencyLock], ct);
        return await transaction.Connection.ScalarAsync<bool>(
            "select count(distinct job_id) < $1 or coalesce(bool_or(job_id = $2), false) from tasks where state = 'leased'", [mostJobs, job.Id], ct);
    }

    private static Task<DateTimeOffset?> NextDueAsync(NpgsqlConnection connection, CancellationToken ct) => connection.FirstAsync(
        "select min(t.run_after) from tasks t join jobs j on j.id = t.job_id where t.state = 'runnable' and j.state in ('queued', 'processing')", [],
        row => row.GetNullable<DateTimeOffset?>(0), ct);

    private sealed record Candidate(Guid TaskId, Guid JobId, Guid VideoId, int Slots);
}
