using Lifecycle.Contracts;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Webhooks;

/// <param name="Attempts">Since it was written or replayed.</param>
/// <param name="NextAttemptAt">Null while it is being sent, and when it has ended.</param>
/// <param name="Status">Of the last answer.</param>
/// <param name="Error">Of the last attempt.</param>
public sealed record Delivery(
    Guid Id, Guid WebhookId, string Event, DeliveryState State, int Attempts, DateTimeOffset CreatedAt, DateTimeOffset? NextAttemptAt, DateTimeOffset? EndedAt, int? Status, string? Error);

/// <param name="IsRunning">It is being sent now.</param>
public sealed record DeliveryAttempt(DateTimeOffset At, int? Status, int? LatencyMs, string? Error, bool IsRunning);

/// <param name="Payload">The bytes that are sent.</param>
/// <param name="Attempts">Oldest first.</param>
public sealed record DeliveryDetails(byte[] Payload, IReadOnlyList<DeliveryAttempt> Attempts);

/// <summary>The deliveries as their owners see them, replays, and what is forgotten.</summary>
public sealed class DeliveryLog(LifecycleDatabase database, WebhookSignal signal)
{
    /// <summary>Shown of one delivery, the latest: replays add to them without end.</summary>
    private const int MostAttempts = 100;

    /// <summary>Rows that one statement of the clean-up deletes.</summary>
    private const int Batch = 1000;

    private const string Select =
        """
        select d.id, d.webhook_id, d.event, d.state, d.attempts, d.created_at, case when d.state = 'pending' and (d.lease_until is null or d.lease_until < now()) then d.due end, d.ended_at, a.status, a.error
        from webhook_deliveries d left join lateral (
            select status, error from webhook_attempts where delivery_id = d.id order by lease_token desc limit 1) a on true
        """;

    /// <summary>Newest first; a page begins below the last id of the one before.</summary>
    /// <param name="state">Null: of every state.</param>
    public async Task<IReadOnlyList<Delivery>> ListAsync(Guid webhookId, DeliveryState? state, Guid? below, int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            $"{Select} where d.webhook_id = $1 and ($2::text is null or d.state = $2) and ($3::uuid is null or d.id < $3) order by d.id desc limit $4",
            [webhookId, state is { } one ? DeliveryLifecycle.Table.NameOf(one) : null, below, most], Map, ct);
    }

    public async Task<Delivery?> FindAsync(Guid webhookId, Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await FindAsync(connection, webhookId, id, ct);
    }

    public async Task<DeliveryDetails?> DetailsAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        var attempts = await connection.ListAsync(
            """
            select a.at, a.status, a.latency_ms, a.error, coalesce(d.lease_token = a.lease_token and d.lease_until > now(), false)
            from webhook_attempts a join webhook_deliveries d on d.id = a.delivery_id where a.delivery_id = $1 order by a.lease_token desc limit $2
            """, [id, MostAttempts],
            row => new DeliveryAttempt(row.GetFieldValue<DateTimeOffset>(0), row.GetNullable<int?>(1), row.GetNullable<int?>(2), row.GetNullable<string>(3), row.GetBoolean(4)), ct);
        attempts.Reverse();
        return await connection.ScalarAsync<byte[]>("select payload from webhook_deliveries where id = $1", [id], ct) is { } payload ? new(payload, attempts) : null;
    }

    /// <summary>Writes a ping, which is sent like any event.</summary>
    /// <returns>Null where the webhook is gone.</returns>
    public async Task<Delivery?> TestAsync(Guid webhookId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        var id = OrderedIds.Next();
        var at = await connection.ScalarAsync<DateTime>("select now()", [], ct);
        await connection.ExecuteAsync(
            "insert into webhook_deliveries (id, webhook_id, event, payload, trace_parent) select $1, id, $3, $4, $5 from webhooks where id = $2 for key share",
            [id, webhookId, WebhookEvents.Test, WebhookPayload.Of(WebhookEvents.Test, at, new(webhookId), WebhookJson.Default.WebhookTestData), System.Diagnostics.Activity.Current?.Id], ct);
        var delivery = await FindAsync(connection, webhookId, id, ct);
        signal.Set();
        return delivery;
    }

    /// <summary>Has it sent again, with the same id and the same bytes, from the first attempt on. One that is being sent now is left at that.</summary>
    public async Task<MoveOutcome> ReplayAsync(Guid webhookId, Guid id, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        var found = await connection.ScalarAsync<string>("select state from webhook_deliveries where id = $1 and webhook_id = $2 for update", [id, webhookId], ct);
        if (found is null)
        {
            return MoveOutcome.Missing;
        }

        if (DeliveryLifecycle.Table.Next(DeliveryLifecycle.Table.Parse(found), DeliveryTrigger.Replayed) is not { } next)
        {
            return MoveOutcome.NotAllowed;
        }

        await connection.ExecuteAsync(
            "update webhook_deliveries set state = $2, attempts = 0, due = now(), ended_at = null where id = $1 and (lease_until is null or lease_until < now())",
            [id, DeliveryLifecycle.Table.NameOf(next)], ct);
        await transaction.CommitAsync(ct);
        signal.Set();
        return MoveOutcome.Moved;
    }

    /// <summary>Deletes what ended longer ago than <paramref name="keep"/>, and what has waited as long for a webhook that is switched off.</summary>
    public async Task<int> ForgetAsync(TimeSpan keep, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        int deleted, all = 0;
        do
        {
            deleted = await connection.ExecuteAsync(
                """
                delete from webhook_deliveries where id in (
                    select id from webhook_deliveries where state <> 'pending' and ended_at < now() - $1
                    union all
                    select d.id from webhooks w join webhook_deliveries d on d.webhook_id = w.id where not w.is_active and d.state = 'pending' and d.created_at < now() - $1
                    limit $2)
                """, [keep, Batch], ct);
            all += deleted;
        }
        while (deleted == Batch);
        return all;
    }

    private static Task<Delivery?> FindAsync(NpgsqlConnection connection, Guid webhookId, Guid id, CancellationToken ct) =>
        connection.FirstAsync($"{Select} where d.id = $1 and d.webhook_id = $2", [id, webhookId], Map, ct);

    private static Delivery Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetGuid(1), row.GetString(2), DeliveryLifecycle.Table.Parse(row.GetString(3)), row.GetInt32(4), row.GetFieldValue<DateTimeOffset>(5),
        row.GetNullable<DateTimeOffset?>(6), row.GetNullable<DateTimeOffset?>(7), row.GetNullable<int?>(8), row.GetNullable<string>(9));
}
