using System.Diagnostics;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Jobs;

/// <summary>A job to be made.</summary>
/// <param name="Version">The version of the video that an ingest job makes, or an edge job copies; 0 for the others.</param>
/// <param name="Config"><see cref="TranscodeConfig"/> as JSON; null for an ingest job.</param>
/// <param name="Priority">0 to 10, 10 first.</param>
/// <param name="RequestKey">The request's Idempotency-Key.</param>
public sealed record NewJob(JobKind Kind, int Version, string? Config = null, int Priority = NewJob.UsualPriority, string? RequestKey = null)
{
    public const int UsualPriority = 5;
}

/// <summary>A job as its owner sees it.</summary>
/// <param name="Progress">Share of the work that is done, 0 to 1.</param>
/// <param name="WorkerId">One that runs a task of it now.</param>
/// <param name="Attempts">Runs of the task that took the most.</param>
public sealed record JobDetails(
    Guid Id, Guid VideoId, Guid? OwnerId, JobKind Kind, JobState State, int Priority, double Progress, string? WorkerId, int Attempts, string? Config, string? Output,
    string? FailureCategory, string? FailureReason, DateTimeOffset CreatedAt, DateTimeOffset? StartedAt, DateTimeOffset? FinishedAt, IReadOnlyList<Guid> DependsOn);

public enum JobCreation
{
    Created,

    /// <summary>The request's key has made this job before.</summary>
    Repeated,

    /// <summary>The request's key has made another job before.</summary>
    KeyReused,

    /// <summary>The video's state has nothing to transcode.</summary>
    VideoNotUsable,

    /// <summary>A dependency is not the owner's, or has failed.</summary>
    BadDependency,

    TooMany,
}

/// <summary>What came of an attempted move, with the state that the job is in.</summary>
public sealed record JobMove(MoveOutcome Outcome, JobState State);

/// <summary>Jobs as resources: made, read, listed, paused, resumed, cancelled.</summary>
public sealed class JobStore(LifecycleDatabase database)
{
    /// <summary>Open jobs of one video: more would be a loop, not a use.</summary>
    public const int MostOpenPerVideo = 500;

    private const string Select =
        $"""
        select j.id, j.video_id, v.owner_id, j.kind, j.state, j.priority, {JobProgress.Sql},
            (select t.worker_id from tasks t where t.job_id = j.id and t.state = 'leased' order by t.started_at desc limit 1),
            coalesce((select max(t.attempt) from tasks t where t.job_id = j.id), 0),
            j.config::text, j.output::text, j.failure_category, j.failure_reason, j.created_at, j.started_at, j.finished_at,
            array(select d.depends_on from job_dependencies d where d.job_id = j.id)
        from jobs j join videos v on v.id = j.video_id
        """;

    /// <param name="ownerId">Whose jobs it may depend on; null: anybody's.</param>
    /// <returns>The job that is there now: the new one, or that of the same request before.</returns>
    public async Task<(JobCreation Outcome, Guid JobId)> CreateAsync(Guid videoId, NewJob job, IReadOnlyCollection<Guid> dependsOn, Guid? ownerId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        var video = await transaction.LockVideoAsync(videoId, ct);
        if (job.RequestKey is { } key && await connection.FirstAsync(
            """
            select id, config = $3::jsonb and priority = $4, array(select d.depends_on from job_dependencies d where d.job_id = jobs.id)
            from jobs where video_id = $1 and request_key = $2
            """, [videoId, key, job.Config, job.Priority],
            row => new { Id = row.GetGuid(0), Same = row.GetBoolean(1) && dependsOn.ToHashSet().SetEquals(row.GetFieldValue<Guid[]>(2)) }, ct) is { } before)
        {
            return (before.Same ? JobCreation.Repeated : JobCreation.KeyReused, before.Id);
        }

        if (video is not { State: VideoState.Uploaded or VideoState.Processing or VideoState.Ready })
        {
            return (JobCreation.VideoNotUsable, default);
        }

        if (await connection.ScalarAsync<long>("select count(*) from jobs where video_id = $1 and state = any($2)", [videoId, JobLifecycle.OpenNames], ct) >= MostOpenPerVideo)
        {
            return (JobCreation.TooMany, default);
        }

        var states = await connection.ListAsync(
            "select j.state from jobs j join videos v on v.id = j.video_id where j.id = any($1) and ($2::uuid is null or v.owner_id = $2)", [dependsOn.ToArray(), ownerId],
            row => JobLifecycle.Table.Parse(row.GetString(0)), ct);
        if (states.Count != dependsOn.Count || states.Any(state => JobLifecycle.IsOver(state) && state != JobState.Completed))
        {
            return (JobCreation.BadDependency, default);
        }

        var waits = states.Any(state => state != JobState.Completed);
        var jobId = await InsertAsync(transaction, video, waits ? JobTrigger.CreatedWithDependencies : JobTrigger.Created, job, ct);
        await connection.ExecuteAsync("insert into job_dependencies (job_id, depends_on) select $1, unnest($2)", [jobId, dependsOn.ToArray()], ct);
        await transaction.CommitAsync(ct);
        return (JobCreation.Created, jobId);
    }

    /// <summary>Null where there is none, or its video is gone.</summary>
    public async Task<JobDetails?> FindAsync(Guid jobId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"{Select} where j.id = $1 and v.state = any($2)", [jobId, VideoLifecycle.VisibleNames], Map, ct);
    }

    /// <summary>Newest first: ids are UUIDv7, and a page begins below the last id of the one before.</summary>
    /// <param name="ownerId">Null: of every owner.</param>
    /// <param name="videoId">Null: of every video.</param>
    /// <param name="state">Null: in every state.</param>
    /// <param name="below">Null: from the newest.</param>
    public async Task<IReadOnlyList<JobDetails>> ListAsync(Guid? ownerId, Guid? videoId, JobState? state, Guid? below, int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            $"""
            {Select} where v.state = any($1) and ($2::uuid is null or v.owner_id = $2) and ($3::uuid is null or j.video_id = $3)
            and ($4::text is null or j.state = $4) and ($5::uuid is null or j.id < $5) order by j.id desc limit $6
            """, [VideoLifecycle.VisibleNames, ownerId, videoId, state is { } one ? JobLifecycle.Table.NameOf(one) : null, below, most], Map, ct);
    }

    /// <summary>Pauses, resumes or cancels. Running tasks hear of it at their next beat, within 2 s, and give themselves back.</summary>
    public async Task<JobMove> MoveAsync(Guid jobId, JobTrigger trigger, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var videoId = await transaction.Connection.ScalarAsync<Guid>("select video_id from jobs where id = $1", [jobId], ct);
        if (await transaction.LockVideoAsync(videoId, ct) is not { } video || await transaction.LockJobAsync(jobId, ct) is not { } job)
        {
            return new(MoveOutcome.Missing, default);
        }

        TaskFailure? cancelled = trigger == JobTrigger.Cancelled ? new(FailureCategory.Cancelled, "The job was cancelled.", null, IsPermanent: true) : null;
        var outcome = await transaction.MoveAsync(job, video, trigger, cancelled, ct);
        if (outcome != MoveOutcome.Moved)
        {
            return new(outcome, job.State);
        }

        if (cancelled is not null)
        {
            await transaction.SweepAsync(video.Id, ct);
        }

        if (trigger == JobTrigger.Resumed)
        {
            var runnable = await transaction.Connection.ScalarAsync<long>("select count(*) from tasks where job_id = $1 and state = 'runnable'", [jobId], ct);
            await transaction.PermitAsync(jobId, video.Id, (int)runnable, job.TraceParent, ct);
        }

        await transaction.CommitAsync(ct);
        return new(outcome, JobLifecycle.Table.Next(job.State, trigger)!.Value);
    }

    /// <summary>Removes a transcode job that has ended, with its output and its history.</summary>
    /// <returns>NotAllowed: it has not ended, or it is the video's own processing.</returns>
    public async Task<JobMove> DeleteAsync(Guid jobId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var videoId = await transaction.Connection.ScalarAsync<Guid>("select video_id from jobs where id = $1", [jobId], ct);
        if (await transaction.LockVideoAsync(videoId, ct) is null || await transaction.LockJobAsync(jobId, ct) is not { } job)
        {
            return new(MoveOutcome.Missing, default);
        }

        if (job.Kind != JobKind.Transcode || !JobLifecycle.IsOver(job.State))
        {
            return new(MoveOutcome.NotAllowed, job.State);
        }

        await transaction.Connection.ExecuteAsync("delete from jobs where id = $1", [jobId], ct);
        await transaction.SweepAsync(videoId, ct);
        await transaction.CommitAsync(ct);
        return new(MoveOutcome.Moved, job.State);
    }

    /// <summary>What a transcode job is to make, JSON.</summary>
    public async Task<string?> ConfigAsync(Guid jobId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<string>("select config::text from jobs where id = $1", [jobId], ct);
    }

    /// <summary>The job, its first task (the plan, where there is something to plan), and the permit for it, unless it waits for others.</summary>
    internal static async Task<Guid> InsertAsync(LifecycleTransaction transaction, LockedVideo video, JobTrigger trigger, NewJob job, CancellationToken ct)
    {
        var jobId = Guid.CreateVersion7();
        var trace = Activity.Current?.Id ?? video.TraceParent;
        var state = JobLifecycle.Table.Initial(trigger);
        await transaction.Connection.ExecuteAsync(
            """
            with made as (
                insert into jobs (id, video_id, kind, state, priority, version, config, request_key, trace_parent) values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9) returning *)
            insert into tasks (id, job_id, video_id, kind, ordinal, state, priority, job_sequence) select $10, id, video_id, $11, 0, $12, priority, sequence from made
            """,
            [jobId, video.Id, JobLifecycle.NameOf(job.Kind), JobLifecycle.Table.NameOf(state), job.Priority, job.Version, job.Config, job.RequestKey, trace,
             Guid.CreateVersion7(), TaskLifecycle.NameOf(job.Kind == JobKind.Edge ? TaskKind.Finalize : TaskKind.Plan), TaskLifecycle.Table.NameOf(TaskLifecycle.Table.Initial(TaskTrigger.Created))], ct);
        await transaction.PermitAsync(jobId, video.Id, state == JobState.Queued ? 1 : 0, trace, ct);
        return jobId;
    }

    private static JobDetails Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetGuid(1), row.GetNullable<Guid?>(2), JobLifecycle.ParseKind(row.GetString(3)), JobLifecycle.Table.Parse(row.GetString(4)), row.GetInt32(5), row.GetDouble(6),
        row.GetNullable<string>(7), row.GetInt32(8), row.GetNullable<string>(9), row.GetNullable<string>(10), row.GetNullable<string>(11), row.GetNullable<string>(12),
        row.GetFieldValue<DateTimeOffset>(13), row.GetNullable<DateTimeOffset?>(14), row.GetNullable<DateTimeOffset?>(15), row.GetFieldValue<Guid[]>(16));
}
