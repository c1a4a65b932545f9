using Lifecycle.Contracts;
using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Status;

internal static class StatusDocs
{
    private static readonly OperationDoc _status = new("GET", "/video/{videoId}/status", "getStatus", "A video's state and progress", new(200, "The state at this moment.",
        Json<StatusBody>($$"""{"videoId":"{{Example.Video}}","state":"PROCESSING","timestamp":"2025-01-17T10:00:00Z","progress":0.455}""")))
    { Access = Access.Open, Problems = [Problems.UnknownVideo] };

    public static FeatureDoc Feature { get; } = new("Status", "A video's state, and its changes as they happen; open to all who know its id.",
    [
        _status, _status.Head(),
        new("GET", "/video/{videoId}/status/stream", "streamStatus", "A video's changes, as server-sent events or over a WebSocket", new(200, "A snapshot, then every change, until READY, FAILED or DELETED.",
            new("text/event-stream", null, $$"""
                id: 3
                event: status
                data: {"videoId":"{{Example.Video}}","state":"PROCESSING","timestamp":"2025-01-17T10:00:00Z"}

                """)))
        {
            Access = Access.Open, Description = "With `Accept: text/event-stream`, or as an upgrade to a WebSocket, whose messages are the events' data.",
            Also = [new(101, "The WebSocket.")], Problems = [Problems.NotWebSocket, Problems.UnknownVideo],
        },
    ]);
}
