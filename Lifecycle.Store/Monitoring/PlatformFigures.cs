using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Store.Database;
using Lifecycle.Store.Workers;

namespace Lifecycle.Store.Monitoring;

/// <summary>The platform in figures.</summary>
/// <param name="Jobs">Jobs by state; a state without any is missing.</param>
/// <param name="DeadLetters">Entries of the dead letter queue.</param>
/// <param name="AverageWaitSeconds">From a job's creation to its first start, of those that started in the last 24 h; 0 where none did.</param>
/// <param name="AverageProcessSeconds">From start to end, of the jobs that were completed in the last 24 h; 0 where none were.</param>
/// <param name="CompletedLately">Jobs completed in the last 24 h.</param>
/// <param name="FailedLately">Jobs failed in the last 24 h.</param>
/// <param name="Workers">Workers that are known.</param>
/// <param name="HealthyWorkers">Those of them that beat.</param>
/// <param name="At">When this was read, by the database's clock.</param>
public sealed record Figures(
    IReadOnlyDictionary<JobState, long> Jobs, long DeadLetters, double AverageWaitSeconds, double AverageProcessSeconds, long CompletedLately, long FailedLately,
    long Workers, long HealthyWorkers, DateTimeOffset At)
{
    public long In(JobState state) => Jobs.GetValueOrDefault(state);
}

/// <param name="JobId">What it works on, the one it began first; null: nothing.</param>
/// <param name="OwnerId">Who owns that job's video; null: nobody, or no job.</param>
/// <param name="ProcessedJobs">Jobs that it finished.</param>
public sealed record WorkerFigures(string Id, bool IsHealthy, DateTimeOffset LastSeen, Guid? JobId, Guid? OwnerId, long ProcessedJobs);

/// <summary>Reads the figures from the rows themselves: there is no counter that could be wrong.</summary>
public sealed class PlatformFigures(LifecycleDatabase database)
{
    private static readonly TimeSpan _lately = TimeSpan.FromHours(24);

    public async Task<Figures> ReadAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        var jobs = await connection.ListAsync(
            "select state, count(*) from jobs group by state", [], row => KeyValuePair.Create(JobLifecycle.Table.Parse(row.GetString(0)), row.GetInt64(1)), ct);
        return (await connection.FirstAsync(
            """
            select (select count(*) from dead_letters),
                (select coalesce(avg(extract(epoch from started_at - created_at)), 0)::float8 from jobs where started_at > now() - $1),
                ended.seconds, ended.completed, ended.failed, pool.known, pool.healthy, now()
            from (select coalesce(avg(extract(epoch from finished_at - started_at)) filter (where state = $2), 0)::float8 as seconds,
                    count(*) filter (where state = $2) as completed, count(*) filter (where state = $3) as failed from jobs where finished_at > now() - $1) ended,
                (select count(*) as known, count(*) filter (where last_seen >= now() - $5) as healthy from workers where last_seen > now() - $4) pool
            """,
            [_lately, JobLifecycle.Table.NameOf(JobState.Completed), JobLifecycle.Table.NameOf(JobState.Failed), WorkerRegistry.ForgottenAfter, WorkerRegistry.OfflineAfter],
            row => new Figures(
                jobs.ToDictionary(), row.GetInt64(0), row.GetDouble(1), row.GetDouble(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt64(6), row.GetFieldValue<DateTimeOffset>(7)),
            ct))!;
    }

    /// <summary>All known workers, by id.</summary>
    public async Task<IReadOnlyList<WorkerFigures>> ReadWorkersAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            """
            select w.id, w.last_seen >= now() - $1, w.last_seen, held.job_id, held.owner_id, coalesce(done.jobs, 0)
            from workers w
            left join (
                select distinct on (t.worker_id) t.worker_id, t.job_id, v.owner_id from tasks t join videos v on v.id = t.video_id
                where t.state = $3 order by t.worker_id, t.started_at) held on held.worker_id = w.id
            left join (
                select r.worker_id, count(*) as jobs from task_runs r join tasks t on t.id = r.task_id where t.kind = $4 and r.outcome = $5 group by r.worker_id) done on done.worker_id = w.id
            where w.last_seen > now() - $2 order by length(w.id), w.id
            """,
            [WorkerRegistry.OfflineAfter, WorkerRegistry.ForgottenAfter, TaskLifecycle.Table.NameOf(TaskState.Leased), TaskLifecycle.NameOf(TaskKind.Finalize), nameof(TaskTrigger.Completed)],
            row => new WorkerFigures(row.GetString(0), row.GetBoolean(1), row.GetFieldValue<DateTimeOffset>(2), row.GetNullable<Guid?>(3), row.GetNullable<Guid?>(4), row.GetInt64(5)), ct);
    }
}
