using System.Text.Json.Nodes;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Messaging;
using Lifecycle.Store.Live;

namespace Live.Api.OpenApi;

/// <summary>An event of the exchange <c>stream.events</c>.</summary>
/// <param name="Example">Of its detail.</param>
internal sealed record EventDoc(string DetailType, string Description, string Schema, string Example)
{
    public JsonObject Write() => new()
    {
        ["name"] = DetailType,
        ["detail-type"] = DetailType,
        ["description"] = Description,
        ["exchange"] = Topology.StreamEvents,
        ["routingKey"] = Topology.RoutingKeyOfStreamEvent(DetailType),
        ["detail"] = new JsonObject { ["$ref"] = $"#/components/schemas/{Schema}" },
        ["example"] = new JsonObject { ["detail-type"] = DetailType, ["source"] = new StreamOptions().EventSource, ["detail"] = JsonNode.Parse(Example) },
    };
}

internal static class EventDocs
{
    public static IReadOnlyList<EventDoc> All { get; } =
    [
        new(StreamProvisionRequested.DetailType, "Emitted as soon as a broadcaster submits a provisioning request. Includes stream metadata and ingest endpoints.", "StreamProvisionRequested", """
            {"streamId":"launch-2026","ingestEndpoints":[{"protocol":"rtmp","url":"rtmp://127.0.0.1:1935/live/launch-2026"}],"title":"The launch","startTime":"2026-11-21T18:00:00+00:00","metadata":{"event":"launch"}}
            """),
        new(StreamLifecycleProgressed.DetailType, "Lifecycle update: READY and FAILED of the orchestrator, LIVE and COMPLETE of the encoder.", "StreamLifecycleProgressed",
            """{"streamId":"launch-2026","status":"READY","occurredAt":"2026-11-21T17:59:12+00:00"}"""),
    ];
}
