using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Webhooks;

/// <summary>A delivery that this process sends. Its outcome carries <paramref name="LeaseToken"/>.</summary>
/// <param name="Secret">Encrypted.</param>
/// <param name="Attempt">1 for the first since it was written or replayed.</param>
/// <param name="TraceParent">The trace of what it tells.</param>
public sealed record ClaimedDelivery(Guid Id, Guid WebhookId, string Event, byte[] Payload, string Url, byte[] Secret, int Attempt, long LeaseToken, string? TraceParent);

/// <summary>What became of an attempt.</summary>
/// <param name="Trigger">Accepted, Refused, Exhausted or ReceiverGone.</param>
/// <param name="Delay">Until the next attempt, where it was refused.</param>
/// <param name="Status">Null: no answer.</param>
public sealed record DeliveryOutcome(ClaimedDelivery Delivery, DeliveryTrigger Trigger, TimeSpan Delay, int? Status, int LatencyMs, string? Error);

/// <param name="Failures">Deliveries in a row that failed for good.</param>
/// <param name="Failing">Or one of them after so long without any success.</param>
public sealed record DisablePolicy(int Failures, TimeSpan Failing);

/// <summary>A webhook that was switched off just now.</summary>
public sealed record DisabledWebhook(Guid Id, string Reason);

/// <summary>Hands deliveries to dispatchers, each under a lease, and takes what became of them.</summary>
public sealed class DeliveryQueue(LifecycleDatabase database)
{
    /// <summary>Due rows that one claim looks at: of a webhook with many it takes a few, and the others' stand behind them.</summary>
    private const int Window = 500;

    /// <summary>Claims what is due, oldest first, at most <paramref name="perWebhook"/> of a webhook at a time in this process.</summary>
    /// <param name="sending">By webhook: what this process is sending already.</param>
    /// <param name="most">Deliveries to claim.</param>
    public async Task<IReadOnlyList<ClaimedDelivery>> ClaimAsync(IReadOnlyDictionary<Guid, int> sending, int perWebhook, int most, TimeSpan lease, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        // What is chosen is cut short before it is joined again: without statistics, which a new table has not, Postgres joined 500 candidates
        // with all that is due, a second for each claim. Twice as many as can be taken: another replica may be locking the first ones.
        return await connection.ListAsync(
            """
            with busy as (select * from unnest($1::uuid[], $2::int[]) as b (webhook_id, sending)),
            candidates as materialized (
                select d.id, d.webhook_id, d.due from webhook_deliveries d join webhooks w on w.id = d.webhook_id
                where d.state = 'pending' and d.due <= now() and (d.lease_until is null or d.lease_until < now()) and (w.is_active or d.event = $7)
                and d.webhook_id not in (select webhook_id from busy where sending >= $3)
                order by d.due limit $4),
            placed as (
                select c.id, c.due, row_number() over (partition by c.webhook_id order by c.due, c.id) + coalesce(b.sending, 0) as place
                from candidates c left join busy b on b.webhook_id = c.webhook_id),
            chosen as materialized (select id, due from placed where place <= $3 order by due limit 2 * $5),
            claimed as (
                select d.id from chosen c cross join lateral (
                    select l.id from webhook_deliveries l
                    where l.id = c.id and l.state = 'pending' and l.due <= now() and (l.lease_until is null or l.lease_until < now()) for update skip locked) d
                limit $5),
            leased as (
                update webhook_deliveries d set lease_token = nextval('lease_tokens'), lease_until = now() + $6, attempts = d.attempts + 1
                where d.id = any(array(select id from claimed)) returning d.id, d.webhook_id, d.event, d.payload, d.attempts, d.lease_token, d.trace_parent),
            noted as (insert into webhook_attempts (delivery_id, lease_token) select id, lease_token from leased)
            select l.id, l.webhook_id, l.event, l.payload, w.url, w.secret, l.attempts, l.lease_token, l.trace_parent from leased l join webhooks w on w.id = l.webhook_id
            """,
            [sending.Keys.ToArray(), sending.Values.ToArray(), perWebhook, Window, most, lease, WebhookEvents.Test],
            row => new ClaimedDelivery(
                row.GetGuid(0), row.GetGuid(1), row.GetString(2), row.GetFieldValue<byte[]>(3), row.GetString(4), row.GetFieldValue<byte[]>(5), row.GetInt32(6), row.GetInt64(7), row.GetNullable<string>(8)), ct);
    }

    /// <summary>Writes what became of attempts, in one transaction; what lost its lease counts for nothing.</summary>
    /// <returns>The webhooks that this switched off.</returns>
    public async Task<IReadOnlyList<DisabledWebhook>> RecordAsync(IReadOnlyList<DeliveryOutcome> outcomes, DisablePolicy policy, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        // Who deletes a webhook locks it first, and its deliveries then: in this order here, too, or the two would wait for each other.
        await connection.ExecuteAsync("select from webhooks where id = any($1) order by id for key share", [outcomes.Select(o => o.Delivery.WebhookId).Distinct().ToArray()], ct);
        var recorded = await connection.ListAsync(
            """
            with outcomes as (
                select * from unnest($1::uuid[], $2::bigint[], $3::text[], $4::interval[], $5::int[], $6::int[], $7::text[]) as o (id, token, state, delay, status, latency, error)),
            noted as (
                update webhook_attempts a set status = o.status, latency_ms = o.latency, error = o.error from outcomes o where a.delivery_id = o.id and a.lease_token = o.token)
            update webhook_deliveries d set state = o.state, due = now() + o.delay, lease_token = null, lease_until = null, ended_at = case when o.state <> 'pending' then now() end
            from outcomes o where d.id = o.id and d.lease_token = o.token and d.state = 'pending' returning d.id
            """,
            [
                outcomes.Select(o => o.Delivery.Id).ToArray(), outcomes.Select(o => o.Delivery.LeaseToken).ToArray(), outcomes.Select(o => StateAfter(o.Trigger)).ToArray(),
                outcomes.Select(o => o.Delay).ToArray(), outcomes.Select(o => o.Status).ToArray(), outcomes.Select(o => o.LatencyMs).ToArray(), outcomes.Select(o => o.Error).ToArray(),
            ], row => row.GetGuid(0), ct);
        var disabled = await WebhookHealth.NoteAsync(connection, [.. outcomes.Where(o => recorded.Contains(o.Delivery.Id))], policy, ct);
        await transaction.CommitAsync(ct);
        return disabled;
    }

    /// <summary>Gives back what was claimed and not sent to the end: another dispatcher takes it at once, and no attempt is spent.</summary>
    public async Task ReleaseAsync(IReadOnlyList<ClaimedDelivery> deliveries, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            """
            update webhook_deliveries d set lease_token = null, lease_until = null, attempts = greatest(d.attempts - 1, 0)
            from unnest($1::uuid[], $2::bigint[]) as r (id, token) where d.id = r.id and d.lease_token = r.token
            """, [deliveries.Select(d => d.Id).ToArray(), deliveries.Select(d => d.LeaseToken).ToArray()], ct);
    }

    private static string StateAfter(DeliveryTrigger trigger) => DeliveryLifecycle.Table.NameOf(
        DeliveryLifecycle.Table.Next(DeliveryState.Pending, trigger) ?? throw new InvalidOperationException($"A pending delivery has no {trigger}."));
}
