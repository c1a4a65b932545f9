using System.Text.Json;
using System.Text.Json.Serialization;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Webhooks;

namespace Upload.Api.Webhooks;

/// <param name="Events">By their keys, <c>job_started</c> and so on; absent ones are not wanted.</param>
/// <param name="Secret">Absent in a creation: one is made, and shown in its answer.</param>
public sealed record WebhookRequest(string? Url, Dictionary<string, bool>? Events, string? Secret, bool? IsActive);

/// <param name="Secret">Only in the answer that made it.</param>
public sealed record WebhookBody(Guid Id, string Url, IReadOnlyDictionary<string, bool> Events, bool IsActive, string? DisabledReason, DateTimeOffset CreatedAt, string? Secret = null)
{
    public static WebhookBody Of(Webhook webhook, string? secret = null) => new(
        webhook.Id, webhook.Url, WebhookEvents.Keys.ToDictionary(key => key, key => webhook.Events.GetValueOrDefault(key)), webhook.IsActive, webhook.DisabledReason, webhook.CreatedAt, secret);
}

public sealed record WebhooksBody(IReadOnlyList<WebhookBody> Webhooks);

/// <param name="Status">pending, delivered, failed or superseded.</param>
/// <param name="AttemptCount">Since it was written or replayed.</param>
/// <param name="ResponseStatus">Of the last attempt, as its error is.</param>
public sealed record DeliveryBody(
    Guid Id, Guid WebhookId, string Event, string Status, int AttemptCount, DateTimeOffset CreatedAt, DateTimeOffset? NextAttemptAt, DateTimeOffset? EndedAt, int? ResponseStatus, string? Error)
{
    public static DeliveryBody Of(Delivery delivery) => new(
        delivery.Id, delivery.WebhookId, delivery.Event, DeliveryLifecycle.Table.NameOf(delivery.State), delivery.Attempts, delivery.CreatedAt, delivery.NextAttemptAt, delivery.EndedAt, delivery.Status,
        delivery.Error);

    /// <summary>The bytes that are sent, and every attempt; in the answer for one delivery.</summary>
    public JsonElement? Payload { get; init; }

    public IReadOnlyList<AttemptBody>? Attempts { get; init; }
}

public sealed record AttemptBody(DateTimeOffset At, int? ResponseStatus, int? LatencyMs, string? Error)
{
    private const string CutShort = "Its sender was stopped before it had written down what came of it; sent again.";

    public static AttemptBody Of(DeliveryAttempt attempt) => new(
        attempt.At, attempt.Status, attempt.LatencyMs, attempt.Error ?? (attempt.LatencyMs is null && !attempt.IsRunning ? CutShort : null));
}

/// <param name="Next">Where the next page begins; absent on the last.</param>
public sealed record DeliveriesBody(IReadOnlyList<DeliveryBody> Deliveries, string? Next);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WebhookRequest))]
[JsonSerializable(typeof(WebhookBody))]
[JsonSerializable(typeof(WebhooksBody))]
[JsonSerializable(typeof(DeliveryBody))]
[JsonSerializable(typeof(DeliveriesBody))]
internal sealed partial class WebhookBodies : JsonSerializerContext;
