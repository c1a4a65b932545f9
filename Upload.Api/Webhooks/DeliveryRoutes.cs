using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Webhooks;
using Upload.Api.Accounts;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Webhooks;

/// <summary>What was sent to a webhook, and the routes that send something.</summary>
internal static class DeliveryRoutes
{
    public static void MapDeliveries(this IEndpointRouteBuilder webhooks)
    {
        webhooks.MapPost("/{webhookId}/test", TestAsync);
        webhooks.MapGet("/{webhookId}/deliveries", ListAsync);
        webhooks.MapGet("/{webhookId}/deliveries/{deliveryId}", GetAsync);
        webhooks.MapPost("/{webhookId}/deliveries/{deliveryId}/replay", ReplayAsync);
    }

    /// <summary>Sends a ping, also to a webhook that is switched off: it shows whether switching it on is worth it.</summary>
    private static async Task<IResult> TestAsync(string webhookId, Caller caller, WebhookStore webhooks, DeliveryLog log, CancellationToken ct) =>
        await WebhookRoutes.FindAsync(webhookId, caller, webhooks, ct) is { } webhook && await log.TestAsync(webhook.Id, ct) is { } delivery
            ? TypedResults.Json(DeliveryBody.Of(delivery), WebhookBodies.Default.DeliveryBody, statusCode: StatusCodes.Status202Accepted)
            : Problems.UnknownWebhook.ToResult();

    private static async Task<IResult> ListAsync(string webhookId, Caller caller, WebhookStore webhooks, DeliveryLog log, string? status, string? after, int? limit, CancellationToken ct)
    {
        if (await WebhookRoutes.FindAsync(webhookId, caller, webhooks, ct) is not { } webhook)
        {
            return Problems.UnknownWebhook.ToResult();
        }

        if (Page.Read(after, limit, out var page) is { } refusal)
        {
            return refusal;
        }

        var state = status is null ? null : DeliveryLifecycle.Table.Find(status);
        if (status is not null && state is null)
        {
            return Problems.InvalidField.ToResult($"status is one of {string.Join(", ", Enum.GetValues<DeliveryState>().Select(DeliveryLifecycle.Table.NameOf))}.");
        }

        var (shown, next) = page.Cut(await log.ListAsync(webhook.Id, state, page.Below, page.Asked, ct), delivery => delivery.Id);
        return TypedResults.Json(new DeliveriesBody([.. shown.Select(DeliveryBody.Of)], next), WebhookBodies.Default.DeliveriesBody);
    }

    private static async Task<IResult> GetAsync(string webhookId, string deliveryId, Caller caller, WebhookStore webhooks, DeliveryLog log, CancellationToken ct)
    {
        if (await WebhookRoutes.FindAsync(webhookId, caller, webhooks, ct) is not { } webhook)
        {
            return Problems.UnknownWebhook.ToResult();
        }

        if (!Guid.TryParseExact(deliveryId, "D", out var id) || await log.FindAsync(webhook.Id, id, ct) is not { } delivery || await log.DetailsAsync(id, ct) is not { } details)
        {
            return Problems.UnknownDelivery.ToResult();
        }

        return TypedResults.Json(
            DeliveryBody.Of(delivery) with { Payload = JsonElement.Parse(details.Payload), Attempts = [.. details.Attempts.Select(AttemptBody.Of)] }, WebhookBodies.Default.DeliveryBody);
    }

    private static async Task<IResult> ReplayAsync(string webhookId, string deliveryId, Caller caller, WebhookStore webhooks, DeliveryLog log, CancellationToken ct)
    {
        if (await WebhookRoutes.FindAsync(webhookId, caller, webhooks, ct) is not { } webhook)
        {
            return Problems.UnknownWebhook.ToResult();
        }

        if (!Guid.TryParseExact(deliveryId, "D", out var id) || await log.FindAsync(webhook.Id, id, ct) is not { } delivery)
        {
            return Problems.UnknownDelivery.ToResult();
        }

        if (!webhook.IsActive && delivery.Event != WebhookEvents.Test)
        {
            return new ProblemResult(Problems.StateConflict, "The webhook is switched off; set is_active first.", state: "inactive");
        }

        return await log.ReplayAsync(webhook.Id, id, ct) switch
        {
            MoveOutcome.Moved when await log.FindAsync(webhook.Id, id, ct) is { } again => TypedResults.Json(DeliveryBody.Of(again), WebhookBodies.Default.DeliveryBody, statusCode: StatusCodes.Status202Accepted),
            MoveOutcome.NotAllowed => new ProblemResult(Problems.StateConflict, "Later progress has taken its place.", state: DeliveryLifecycle.Table.NameOf(delivery.State), allowed: []),
            _ => Problems.UnknownDelivery.ToResult(),
        };
    }
}
