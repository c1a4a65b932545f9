using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Tasks;

/// <summary>A task that failed for good.</summary>
/// <param name="Detail">The tail of ffmpeg's stderr, or the exception.</param>
/// <param name="Attempts">Runs that it had.</param>
public sealed record DeadLetter(Guid Id, Guid TaskId, Guid JobId, Guid VideoId, Guid? OwnerId, string Category, string Reason, string? Detail, int Attempts, DateTimeOffset FailedAt);

/// <summary>The dead letter queue: rows, so that one can be found, replayed and deleted by its id.</summary>
public sealed class DeadLetters(LifecycleDatabase database)
{
    private const string Select =
        """
        select d.id, d.task_id, d.job_id, d.video_id, v.owner_id, d.category, d.reason, d.detail, d.attempts, d.failed_at
        from dead_letters d join videos v on v.id = d.video_id
        """;

    /// <summary>Newest first: ids are UUIDv7, and a page begins below the last id of the one before.</summary>
    /// <param name="ownerId">Null: of every owner.</param>
    /// <param name="below">Null: from the newest.</param>
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(Guid? ownerId, Guid? below, int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            $"{Select} where v.state = any($1) and ($2::uuid is null or v.owner_id = $2) and ($3::uuid is null or d.id < $3) order by d.id desc limit $4",
            [VideoLifecycle.VisibleNames, ownerId, below, most], Map, ct);
    }

    public async Task<DeadLetter?> FindAsync(Guid deadLetterId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"{Select} where d.id = $1 and v.state = any($2)", [deadLetterId, VideoLifecycle.VisibleNames], Map, ct);
    }

    /// <summary>Gives the job up: it stays failed and can no longer be replayed; what its tasks have made is swept.</summary>
    /// <returns>False where there was none.</returns>
    public async Task<bool> DeleteAsync(Guid deadLetterId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        // The video's lock comes first, as in a replay that runs at the same time.
        var videoId = await transaction.Connection.ScalarAsync<Guid>("select video_id from dead_letters where id = $1", [deadLetterId], ct);
        await transaction.LockVideoAsync(videoId, ct);
        var jobId = await transaction.Connection.ScalarAsync<Guid>("delete from dead_letters where id = $1 returning job_id", [deadLetterId], ct);
        if (jobId == default)
        {
            return false;
        }

        await transaction.CloseTasksAsync(jobId, ct);
        await transaction.SweepAsync(videoId, ct);
        await transaction.CommitAsync(ct);
        return true;
    }

    /// <summary>
    /// Runs all failed tasks of the letter's job again with fresh attempts: the job is queued, the video UPLOADED, finished tasks
    /// stay done. All of them, because a task that failed behind the first has no letter, and fan-in waits for it as well.
    /// </summary>
    public async Task<MoveOutcome> ReplayAsync(Guid deadLetterId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var letter = await transaction.Connection.FirstAsync("select job_id, video_id from dead_letters where id = $1", [deadLetterId],
            row => (JobId: row.GetGuid(0), VideoId: row.GetGuid(1)), ct);
        if (letter == default || await transaction.LockVideoAsync(letter.VideoId, ct) is not { } video || await transaction.LockJobAsync(letter.JobId, ct) is not { } job)
        {
            return MoveOutcome.Missing;
        }

        if (video.State == VideoState.Deleted)
        {
            return MoveOutcome.Missing;
        }

        var outcome = await transaction.MoveAsync(job, video, JobTrigger.Replayed, null, ct);
        if (outcome == MoveOutcome.Moved)
        {
            var runnable = await transaction.Connection.ExecuteAsync(
                """
                update tasks set state = $2, attempt = 1, run_after = now(), failure_category = null, failure_reason = null, failure_detail = null
                where job_id = $1 and state = $3
                """,
                [job.Id, TaskLifecycle.Table.NameOf(TaskLifecycle.Table.Next(TaskState.Failed, TaskTrigger.Replayed)!.Value), TaskLifecycle.Table.NameOf(TaskState.Failed)], ct);
            await transaction.Connection.ExecuteAsync("delete from dead_letters where job_id = $1", [job.Id], ct);
            await transaction.PermitAsync(job.Id, video.Id, runnable, job.TraceParent, ct);
            await transaction.CommitAsync(ct);
        }

        return outcome;
    }

    private static DeadLetter Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), row.GetGuid(3), row.GetNullable<Guid?>(4), row.GetString(5), row.GetString(6), row.GetNullable<string>(7), row.GetInt32(8), row.GetFieldValue<DateTimeOffset>(9));
}
