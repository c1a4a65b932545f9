using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Store.Database;

namespace Lifecycle.Store.Jobs;

/// <summary>
/// Jobs that wait for others. A dependency may be another video's job, and locks are taken video first, so a dependent is decided in a
/// transaction of its own right behind the end of what it waited for; the rescuer finds what a crash in between has left. A job can only
/// name jobs that are there already: there are no cycles.
/// </summary>
public sealed class JobDependencies(LifecycleDatabase database)
{
    /// <summary>A pending job is decided once none of its dependencies is open, or one of them can no longer be completed.</summary>
    private const string Decided =
        """
        from jobs j where j.state = 'pending' and (
            exists (select from job_dependencies d join jobs o on o.id = d.depends_on where d.job_id = j.id and o.state = any($2))
            or not exists (select from job_dependencies d join jobs o on o.id = d.depends_on where d.job_id = j.id and o.state <> 'completed'))
        """;

    /// <summary>Decides every job that waited for this one.</summary>
    public async Task DecideDependentsAsync(Guid jobId, CancellationToken ct)
    {
        foreach (var (dependent, videoId) in await ReadAsync($"select j.id, j.video_id {Decided} and j.id in (select job_id from job_dependencies where depends_on = $1)", [jobId, JobLifecycle.LostNames], ct))
        {
            await DecideAsync(dependent, videoId, ct);
        }
    }

    /// <summary>Pending jobs that can be decided, the oldest first.</summary>
    internal Task<List<(Guid JobId, Guid VideoId)>> DecidedAsync(int most, CancellationToken ct) =>
        ReadAsync($"select j.id, j.video_id {Decided} order by j.sequence limit $1", [most, JobLifecycle.LostNames], ct);

    /// <summary>Queues the job, or fails it with its dependency.</summary>
    public async Task DecideAsync(Guid jobId, Guid videoId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await transaction.LockVideoAsync(videoId, ct) is not { } video || await transaction.LockJobAsync(jobId, ct) is not { } job)
        {
            return;
        }

        var lost = await transaction.Connection.FirstAsync(
            "select o.id, o.state from job_dependencies d join jobs o on o.id = d.depends_on where d.job_id = $1 and o.state = any($2) order by o.sequence limit 1", [jobId, JobLifecycle.LostNames],
            row => new { Id = row.GetGuid(0), State = row.GetString(1) }, ct);
        if (lost is not null)
        {
            await transaction.MoveAsync(job, video, JobTrigger.TaskFailed, new(FailureCategory.Cancelled, $"Job {lost.Id}, which this one depends on, is {lost.State}.", null, IsPermanent: true), ct);
        }
        else if (await transaction.Connection.ScalarAsync<bool>(
            "select exists (select from job_dependencies d join jobs o on o.id = d.depends_on where d.job_id = $1 and o.state <> 'completed')", [jobId], ct))
        {
            return; // replayed since it was chosen
        }
        else if (await transaction.MoveAsync(job, video, JobTrigger.DependenciesMet, null, ct) == Contracts.MoveOutcome.Moved)
        {
            await transaction.PermitAsync(jobId, videoId, 1, job.TraceParent, ct);
        }

        await transaction.CommitAsync(ct);
    }

    private async Task<List<(Guid JobId, Guid VideoId)>> ReadAsync(string sql, object?[] parameters, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(sql, parameters, row => (row.GetGuid(0), row.GetGuid(1)), ct);
    }
}
