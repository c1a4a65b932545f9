using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Webhooks;

/// <summary>
/// <c>job.progress</c>: for each processing job and each webhook that listens, at most one delivery waits, with the latest
/// figure. One that nobody has tried yet gets the new payload; one that waits for a retry gives way to a new one, which goes on
/// with its attempts; while one is being sent nothing is written. Any number of replicas may run it; one at a time does.
/// </summary>
public sealed class ProgressReports(LifecycleDatabase database, WebhookSignal signal)
{
    /// <summary>Any constant: it names this lock among the database's advisory locks.</summary>
    private const long AdvisoryLock = 0x56_50_57_48_50; // "VPWHP"

    /// <summary>Jobs times webhooks of one pass; those that are over come in the next.</summary>
    private const int Batch = 1000;

    public async Task PassAsync(CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        if (!await connection.ScalarAsync<bool>("select pg_try_advisory_xact_lock($1)", [AdvisoryLock], ct))
        {
            return;
        }

        await OutdateAsync(connection, ct);
        foreach (var report in await ReportsAsync(connection, ct))
        {
            await WriteAsync(connection, report, ct);
        }

        await transaction.CommitAsync(ct);
        signal.Set();
    }

    /// <summary>A job that has ended has told so; how far it once was is no news.</summary>
    private static Task<int> OutdateAsync(NpgsqlConnection connection, CancellationToken ct) => connection.ExecuteAsync(
        """
        update webhook_deliveries d set state = $1, ended_at = now(), lease_token = null, lease_until = null
        where d.job_id is not null and d.state = 'pending' and (d.lease_until is null or d.lease_until < now())
        and not exists (select from jobs j where j.id = d.job_id and j.state = any($2))
        """, [Outdated, JobLifecycle.OpenNames], ct);

    private static Task<List<Report>> ReportsAsync(NpgsqlConnection connection, CancellationToken ct) => connection.ListAsync(
        $"""
        select {JobEventRow.Columns}, now(), w.id, d.id, d.progress, d.state = 'pending', d.attempts, d.due, d.tried, coalesce(j.trace_parent, v.trace_parent)
        from jobs j join videos v on v.id = j.video_id join webhooks w on w.owner_id = v.owner_id and {WebhookOutbox.Listens}
        left join lateral (
            select l.id, l.progress, l.state, l.attempts, l.due, l.lease_until, exists (select from webhook_attempts a where a.delivery_id = l.id) as tried
            from webhook_deliveries l where l.job_id = j.id and l.webhook_id = w.id order by l.id desc limit 1) d on true
        where j.state = $1 and (d.lease_until is null or d.lease_until < now())
        order by d.id nulls first limit $3
        """, [JobLifecycle.Table.NameOf(JobState.Processing), WebhookEvents.KeyOf(WebhookEvents.JobProgress), Batch], Map, ct);

    private static async Task WriteAsync(NpgsqlConnection connection, Report report, CancellationToken ct)
    {
        if (report.Job.Progress == Math.Round(report.Last?.Progress ?? 0, 1))
        {
            return;
        }

        var payload = WebhookPayload.Of(WebhookEvents.JobProgress, report.At, report.Job, WebhookJson.Default.JobEventData);
        if (report.Last is { IsPending: true, IsTried: false } fresh)
        {
            // None, where a dispatcher has just claimed it: the next pass writes another.
            await connection.ExecuteAsync(
                """
                update webhook_deliveries d set payload = $2, progress = $3 where d.id = $1 and d.state = 'pending' and d.lease_token is null
                and not exists (select from webhook_attempts a where a.delivery_id = d.id)
                """, [fresh.Id, payload, (float)report.Job.Progress], ct);
            return;
        }

        var waiting = report.Last is { IsPending: true } tried ? tried : null;
        if (waiting is not null && await connection.ExecuteAsync(
            """
            update webhook_deliveries set state = $2, ended_at = now(), lease_token = null, lease_until = null
            where id = $1 and state = 'pending' and (lease_until is null or lease_until < now())
            """, [waiting.Id, Outdated], ct) == 0)
        {
            return;
        }

        await connection.ExecuteAsync(
            """
            insert into webhook_deliveries (id, webhook_id, event, payload, job_id, progress, attempts, due, trace_parent)
            select $1, id, $3, $4, $5, $6, $7, coalesce($8, now()), $9 from webhooks where id = $2 for key share
            """,
            [OrderedIds.Next(), report.WebhookId, WebhookEvents.JobProgress, payload, report.Job.Id, (float)report.Job.Progress, waiting?.Attempts ?? 0, waiting?.Due, report.TraceParent], ct);
    }

    private static string Outdated => DeliveryLifecycle.Table.NameOf(DeliveryLifecycle.Table.Next(DeliveryState.Pending, DeliveryTrigger.Outdated)!.Value);

    private static Report Map(NpgsqlDataReader row)
    {
        const int First = JobEventRow.Count;
        var last = row.IsDBNull(First + 2)
            ? null
            : new LastReport(row.GetGuid(First + 2), row.GetFloat(First + 3), row.GetBoolean(First + 4), row.GetInt32(First + 5), row.GetDateTime(First + 6), row.GetBoolean(First + 7));
        return new(JobEventRow.Map(row), row.GetDateTime(First), row.GetGuid(First + 1), last, row.GetNullable<string>(First + 8));
    }

    /// <param name="Last">The webhook's latest progress of this job; null: it had none.</param>
    private sealed record Report(JobEventData Job, DateTime At, Guid WebhookId, LastReport? Last, string? TraceParent);

    private sealed record LastReport(Guid Id, float Progress, bool IsPending, int Attempts, DateTime Due, bool IsTried);
}
