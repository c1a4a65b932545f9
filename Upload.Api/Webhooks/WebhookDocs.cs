using Lifecycle.Contracts;
using Lifecycle.Contracts.Webhooks;
using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Webhooks;

internal static class WebhookDocs
{
    private const string Request = """
        {"url":"https://your-app.com/webhooks","events":{"job_started":true,"job_completed":true,"job_failed":true,"job_progress":false,"video_uploaded":true},"secret":"your-webhook-secret"}
        """;

    private static readonly string _events = string.Join(',', WebhookEvents.Keys.Select(key => $"\"{key}\":{(key is "job_progress" || key.StartsWith("video_r", StringComparison.Ordinal) ? "false" : "true")}"));

    private static readonly string _webhook = $$"""{"id":"{{Example.Webhook}}","url":"https://your-app.com/webhooks","events":{{{_events}}},"is_active":true,"created_at":"2025-01-17T10:00:00Z"}""";

    private const string Delivery = $$"""
        "id":"{{Example.Delivery}}","webhook_id":"{{Example.Webhook}}","event":"job.completed","created_at":"2025-01-17T10:30:00Z"
        """;

    private const string Pending = $$"""{{{Delivery}},"status":"pending","attempt_count":0,"next_attempt_at":"2025-01-17T10:30:00Z"}""";

    private const string Delivered = $$"""{{Delivery}},"status":"delivered","attempt_count":1,"ended_at":"2025-01-17T10:30:01Z","response_status":200""";

    public static FeatureDoc Feature { get; } = new("Webhooks", "Where an account wants to be told what happens, and what was sent there.",
    [
        new("POST", "/api/v1/webhooks", "createWebhook", "Make a webhook", new(201, "The webhook; without a secret in the request, this answer alone shows the one that was made.", Json<WebhookBody>(_webhook)))
        { Request = Json<WebhookRequest>(Request), Problems = [Problems.InvalidField, Problems.TooManyWebhooks] },
        new("GET", "/api/v1/webhooks", "listWebhooks", "The account's webhooks", new(200, "All of them.", Json<WebhooksBody>($$"""{"webhooks":[{{_webhook}}]}""")))
        { Parameters = [Parameters.Query("owner", "For admins: the webhooks of this account.") with { Format = "uuid" }], Problems = [Problems.UnknownUser] },
        new("GET", "/api/v1/webhooks/{webhookId}", "getWebhook", "A webhook", new(200, "The webhook.", Json<WebhookBody>(_webhook))) { Problems = [Problems.UnknownWebhook] },
        new("PATCH", "/api/v1/webhooks/{webhookId}", "changeWebhook", "Change what the body names", new(200, "The webhook as it is now.", Json<WebhookBody>(_webhook)))
        { Request = Json<WebhookRequest>("""{"events":{"job_progress":false},"is_active":true}"""), Problems = [Problems.InvalidField, Problems.UnknownWebhook] },
        new("PUT", "/api/v1/webhooks/{webhookId}", "replaceWebhook", "Replace a webhook; without a secret it keeps its own", new(200, "The webhook as it is now.", Json<WebhookBody>(_webhook)))
        { Request = Json<WebhookRequest>(Request), Problems = [Problems.InvalidField, Problems.UnknownWebhook] },
        new("DELETE", "/api/v1/webhooks/{webhookId}", "deleteWebhook", "Delete a webhook", new(204, "Deleted, with its deliveries.")) { Problems = [Problems.UnknownWebhook] },
        new("POST", "/api/v1/webhooks/{webhookId}/test", "testWebhook", "Send webhook.test, also where it is switched off", new(202, "The delivery.",
            Json<DeliveryBody>(Pending.Replace("job.completed", WebhookEvents.Test, StringComparison.Ordinal)))) { Problems = [Problems.UnknownWebhook] },
        new("GET", "/api/v1/webhooks/{webhookId}/deliveries", "listDeliveries", "What was sent to a webhook", new(200, "A page of deliveries.",
            Json<DeliveriesBody>($$"""{"deliveries":[{{{Delivered}}}],{{Example.Next}}}""")))
        {
            Parameters = [Parameters.Query("status", "Only deliveries of this status.", [.. Enum.GetValues<DeliveryState>().Select(DeliveryLifecycle.Table.NameOf)]), .. Parameters.Paging],
            Problems = [Problems.InvalidField, Problems.UnknownWebhook],
        },
        new("GET", "/api/v1/webhooks/{webhookId}/deliveries/{deliveryId}", "getDelivery", "A delivery, with its payload and attempts", new(200, "The delivery.", Json<DeliveryBody>($$"""
            {{{Delivered}},"payload":{{EventDocs.JobCompleted}},"attempts":[{"at":"2025-01-17T10:30:01Z","response_status":200,"latency_ms":42}]}
            """))) { Problems = [Problems.UnknownWebhook, Problems.UnknownDelivery] },
        new("POST", "/api/v1/webhooks/{webhookId}/deliveries/{deliveryId}/replay", "replayDelivery", "Send a delivery again", new(202, "The delivery.", Json<DeliveryBody>(Pending)))
        { Problems = [Problems.UnknownWebhook, Problems.UnknownDelivery, Problems.StateConflict] },
    ]);
}
