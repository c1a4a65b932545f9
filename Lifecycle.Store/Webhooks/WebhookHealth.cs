using System.Globalization;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Webhooks;

/// <summary>Counts a webhook's failures in the transaction that records them, and switches it off when they last, or when the receiver says that it is gone.</summary>
internal static class WebhookHealth
{
    public static async Task<IReadOnlyList<DisabledWebhook>> NoteAsync(NpgsqlConnection connection, IReadOnlyList<DeliveryOutcome> outcomes, DisablePolicy policy, CancellationToken ct)
    {
        List<DisabledWebhook> disabled = [];
        var accepted = outcomes.Where(outcome => outcome.Trigger == DeliveryTrigger.Accepted).Select(outcome => outcome.Delivery.WebhookId).Distinct().ToArray();
        if (accepted.Length > 0)
        {
            await connection.ExecuteAsync("update webhooks set failures = 0, failing_since = null where id = any($1) and (failures > 0 or failing_since is not null)", [accepted], ct);
        }

        // In the order of the ids, so that two dispatchers lock the webhooks alike.
        foreach (var webhook in outcomes.Where(outcome => outcome.Trigger != DeliveryTrigger.Accepted).GroupBy(outcome => outcome.Delivery.WebhookId).OrderBy(group => group.Key))
        {
            if (accepted.Contains(webhook.Key) && webhook.All(outcome => outcome.Trigger != DeliveryTrigger.ReceiverGone))
            {
                continue; // some of it arrives
            }

            if (await ReasonAsync(connection, webhook.Key, [.. webhook.Select(outcome => outcome.Trigger)], policy, ct) is { } reason && await DisableAsync(connection, webhook.Key, reason, ct))
            {
                disabled.Add(new(webhook.Key, reason));
            }
        }

        return disabled;
    }

    /// <returns>Why the webhook must be switched off; null: it need not.</returns>
    private static async Task<string?> ReasonAsync(NpgsqlConnection connection, Guid webhookId, IReadOnlyList<DeliveryTrigger> triggers, DisablePolicy policy, CancellationToken ct)
    {
        if (triggers.Contains(DeliveryTrigger.ReceiverGone))
        {
            return "The receiver answered 410 Gone.";
        }

        var exhausted = triggers.Count(trigger => trigger == DeliveryTrigger.Exhausted);
        var row = await connection.FirstAsync(
            """
            update webhooks set failures = failures + $2, failing_since = coalesce(failing_since, now()) where id = $1 and ($2 > 0 or failing_since is null)
            returning failures, failing_since < now() - $3
            """, [webhookId, exhausted, policy.Failing], row => (Failures: row.GetInt32(0), TooLong: row.GetBoolean(1)), ct);
        return exhausted == 0 ? null
            : row.Failures >= policy.Failures ? string.Create(CultureInfo.InvariantCulture, $"{row.Failures} deliveries in a row failed for good.")
            : row.TooLong ? string.Create(CultureInfo.InvariantCulture, $"No delivery succeeded for {policy.Failing.TotalDays:0.#} days.")
            : null;
    }

    /// <returns>False when it was off already.</returns>
    private static async Task<bool> DisableAsync(NpgsqlConnection connection, Guid webhookId, string reason, CancellationToken ct)
    {
        if (await connection.ScalarAsync<Guid?>("update webhooks set is_active = false, disabled_reason = $2 where id = $1 and is_active returning owner_id", [webhookId, reason], ct) is not { } owner)
        {
            return false;
        }

        await WebhookOutbox.PublishAsync(connection, owner, except: webhookId, WebhookEvents.WebhookDisabled, new(webhookId, reason), WebhookJson.Default.WebhookDisabledData, ct);
        return true;
    }
}
