using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;

namespace Lifecycle.Store.Tasks;

/// <summary>A task that failed for good.</summary>
public sealed record DeadLetter(Guid Id, Guid TaskId, Guid JobId, Guid VideoId, string Category, string Reason, string? Detail, int Attempts, DateTimeOffset FailedAt);

/// <summary>The dead letter queue: rows, so that one can be found, replayed and deleted by its id.</summary>
public sealed class DeadLetters(LifecycleDatabase database)
{
    /// <summary>Newest first, at most <paramref name="most"/>.</summary>
    public async Task<IReadOnlyList<DeadLetter>> ListAsync(int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            "select id, task_id, job_id, video_id, category, reason, detail, attempts, failed_at from dead_letters order by failed_at desc limit $1", [most],
            row => new DeadLetter(row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), row.GetGuid(3), row.GetString(4), row.GetString(5), row.GetNullable<string>(6), row.GetInt32(7), row.GetFieldValue<DateTimeOffset>(8)), ct);
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
}
