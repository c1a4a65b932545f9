using Microsoft.OpenApi;
using Upload.Api.Webhooks;

namespace Upload.Api.OpenApi;

/// <summary>The document's <c>webhooks</c>: what the platform sends.</summary>
internal static class EventWriter
{
    private static readonly ParameterDoc[] _headers =
    [
        Parameters.Header("X-Webhook-Event", "The event's name, as in the body.", required: true),
        Parameters.Header("X-Webhook-Signature", "sha256=HEX: HMAC-SHA256 of the body's bytes under the webhook's secret.", required: true),
        Parameters.Header("webhook-id", "The delivery's id: the same in every attempt, so that a second one can be told.", required: true),
        Parameters.Header("webhook-timestamp", "The attempt's time, in seconds since 1970.", required: true),
        Parameters.Header("webhook-signature", "v1,BASE64: HMAC-SHA256 of id.timestamp.body (Standard Webhooks).", required: true),
    ];

    public static async Task WriteAsync(OpenApiDocument document, OperationWriter operations, CancellationToken ct)
    {
        document.Webhooks = new Dictionary<string, IOpenApiPathItem>(StringComparer.Ordinal);
        foreach (var sent in EventDocs.All.OrderBy(sent => sent.Name, StringComparer.Ordinal))
        {
            OpenApiOperation operation = new()
            {
                OperationId = $"on_{sent.Name.Replace('.', '_')}",
                Summary = sent.Summary,
                Tags = new HashSet<OpenApiTagReference> { new(WebhookDocs.Feature.Name, document) },
                Security = [],
                Parameters = [.. _headers.Select(OperationWriter.ParameterOf)],
                RequestBody = new OpenApiRequestBody { Required = true, Content = await operations.ContentAsync(sent.Body, ct) },
                Responses = new()
                {
                    ["2XX"] = new OpenApiResponse { Description = "Received. Anything else is tried again, each time later." },
                    ["410"] = new OpenApiResponse { Description = "The receiver is gone: the webhook is switched off." },
                },
            };
            OpenApiPathItem item = new();
            item.AddOperation(HttpMethod.Post, operation);
            document.Webhooks[sent.Name] = item;
        }
    }
}
