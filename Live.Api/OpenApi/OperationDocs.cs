using System.Globalization;
using System.Text.Json.Nodes;

namespace Live.Api.OpenApi;

/// <param name="Schema">Of the components; null: no body.</param>
internal sealed record AnswerDoc(int Status, string Description, string? Schema = null, string? Example = null);

/// <param name="In">path or query.</param>
internal sealed record ParameterDoc(string Name, string In, string Description, string Type = "string");

/// <summary>An operation of the document.</summary>
/// <param name="Open">Whether it never needs a credential.</param>
internal sealed record OperationDoc(string Method, string Path, string Id, string Tag, string Summary, bool Open, params IReadOnlyList<AnswerDoc> Answers)
{
    public IReadOnlyList<ParameterDoc> Parameters { get; init; } = [];

    public AnswerDoc? Request { get; init; }

    public JsonObject Write()
    {
        JsonObject written = new() { ["operationId"] = Id, ["summary"] = Summary, ["tags"] = new JsonArray(Tag) };
        if (!Open)
        {
            written["security"] = new JsonArray(new JsonObject(), new JsonObject { ["bearer"] = new JsonArray() }, new JsonObject { ["api_key"] = new JsonArray() });
        }

        if (Parameters.Count > 0)
        {
            written["parameters"] = new JsonArray([.. Parameters.Select(parameter => new JsonObject
            {
                ["name"] = parameter.Name, ["in"] = parameter.In, ["required"] = parameter.In == "path", ["description"] = parameter.Description, ["schema"] = new JsonObject { ["type"] = parameter.Type },
            })]);
        }

        if (Request is { } request)
        {
            written["requestBody"] = new JsonObject { ["required"] = true, ["content"] = ContentOf(request) };
        }

        written["responses"] = new JsonObject(Answers.Select(answer => KeyValuePair.Create(answer.Status.ToString(CultureInfo.InvariantCulture), (JsonNode?)AnswerOf(answer))));
        return written;
    }

    private static JsonObject AnswerOf(AnswerDoc answer)
    {
        JsonObject written = new() { ["description"] = answer.Description };
        if (answer.Schema is not null)
        {
            written["content"] = ContentOf(answer);
        }

        return written;
    }

    private static JsonObject ContentOf(AnswerDoc body) => new()
    {
        ["application/json"] = new JsonObject { ["schema"] = new JsonObject { ["$ref"] = $"#/components/schemas/{body.Schema}" }, ["example"] = JsonNode.Parse(body.Example!) },
    };
}

/// <summary>Every route that a client has; the RTMP server's callbacks are none.</summary>
internal static class OperationDocs
{
    private const string Endpoints = """[{"protocol":"rtmp","url":"rtmp://127.0.0.1:1935/live/launch-2026"}]""";

    private const string Stream = $$"""
        {"streamId":"launch-2026","title":"The launch","status":"READY","startTime":"2026-11-21T18:00:00+00:00","acceptedAt":"2026-11-21T17:50:00+00:00","updatedAt":"2026-11-21T17:59:12+00:00",
         "readyAt":"2026-11-21T17:59:12+00:00","metadata":{"event":"launch"},"ingest":{"endpoints":{{Endpoints}},"pushUrl":"rtmp://127.0.0.1:1935/live/launch-2026?key=KEY"},
         "playbackUrl":"/stream/launch-2026/manifest","videoId":"01947210-5d20-7a8f-a1c4-6e9b30d2f584",
         "workflow":{"name":"StreamLifecycleOrchestrator","state":"WorkflowSucceeded","enteredAt":"2026-11-21T17:59:12+00:00","attempt":1
        """;

    private const string Steps = """
        "steps":[{"state":"ValidateProvisionRequest","enteredAt":"2026-11-21T17:50:00+00:00","leftAt":"2026-11-21T17:50:00+00:00","seconds":0.004,"attempts":1,"outcome":"Success"}]
        """;

    private static readonly ParameterDoc _streamId = new("streamId", "path", "The stream's id.");

    private static readonly AnswerDoc _unauthorized = new(401, "A credential is needed.", "Error", """{"message":"This needs an account: send Authorization: Bearer TOKEN or X-API-Key.","issues":[]}""");

    private static readonly AnswerDoc _unknown = Refusal(404, "There is no such stream, or it is somebody else's.", "There is no such stream.", "streamId is unknown.");

    private static readonly AnswerDoc _tooLarge = Refusal(413, "The body is too large.", "Request body is too large.", "The body has more than 65536 bytes.");

    private static readonly AnswerDoc _unavailable =
        new(503, "Postgres is away; Retry-After says when to come again.", "Error", """{"message":"A needed part of the platform is away. Try again after Retry-After seconds.","issues":[]}""");

    public static IReadOnlyList<OperationDoc> All { get; } =
    [
        new("POST", "/streams", "CreateStreamWorkflow", "Streams", "Ask for a stream; the same request again gets the same answer", Open: false,
            new(202, "Accepted: the workflow has begun.", "StreamAccepted",
                """{"streamId":"launch-2026","detailType":"StreamProvisionRequested","stateMachineArn":"arn:aws:states:us-east-1:000000000000:stateMachine:StreamLifecycleOrchestrator","acceptedAt":"2026-11-21T17:50:00+00:00"}"""),
            Refusal(400, "The body does not hold; the issues say where.", "Validation failed.", "streamId is required."),
            _unauthorized, Refusal(409, "The id belongs to another request.", "The stream exists already.", "streamId belongs to another request."), _tooLarge, _unavailable)
        {
            Request = new(0, "", "CreateStreamWorkflow", $$"""{"streamId":"launch-2026","title":"The launch","startTime":"2026-11-21T18:00:00Z","ingestEndpoints":{{Endpoints}},"metadata":{"event":"launch"} }"""),
        },
        new("PUT", "/streams", "UpdateStreamStatus", "Streams", "Report a stream's status; the same status again is no error", Open: false,
            new(200, "The stream has this status.", "StreamUpdated",
                """{"streamId":"launch-2026","status":"READY","detailType":"StreamLifecycleProgressed","updatedAt":"2026-11-21T17:59:12+00:00","reason":"checked by hand"}"""),
            Refusal(400, "The body does not hold, or the stream's status does not lead there.", "Status transitions were invalid or missing", "status must not change from COMPLETE to LIVE."),
            _unauthorized, _unknown, _tooLarge, _unavailable)
        {
            Request = new(0, "", "UpdateStreamStatus", """{"streamId":"launch-2026","status":"READY","reason":"checked by hand"}"""),
        },
        new("GET", "/streams", "ListStreams", "Streams", "The caller's streams, newest first; without a query 405", Open: false,
            new(200, "A page.", "Streams", $$"""{"streams":[{{Stream}} } }],"next":"launch-2026"}"""),
            Refusal(400, "An argument does not hold.", "Validation failed.", "limit must lie between 1 and 100."), _unauthorized,
            new(405, "There is no query.", "Error", """{"message":"GET not allowed. Expected POST, PUT."}"""), _unavailable)
        {
            Parameters = [new("limit", "query", "Streams of a page: 1 to 100, 20 where it is left out.", "integer"), new("after", "query", "The next of the page before; left out: the newest streams.")],
        },
        new("GET", "/streams/{streamId}", "GetStream", "Streams", "A stream with its workflow's steps", Open: false,
            new(200, "The stream.", "Stream", $$"""{{Stream}},{{Steps}} } }"""), _unauthorized, _unknown, _unavailable) { Parameters = [_streamId] },
        new("HEAD", "/streams/{streamId}", "GetStreamHead", "Streams", "A stream: the headers alone", Open: false,
            new(200, "It is there."), new(401, "A credential is needed."), new(404, "There is no such stream.")) { Parameters = [_streamId] },
        new("GET", "/health", "GetHealthStatus", "Health", "Whether the service works, part by part", Open: true, Health(200, "It does.", "ok"), Health(503, "Postgres is down.", "down")),
        new("HEAD", "/health", "GetHealthStatusHead", "Health", "The same: the headers alone", Open: true, new(200, "It does."), new(503, "Postgres is down.")),
        new("GET", "/openapi.json", "GetDocument", "Health", "This document", Open: true, new AnswerDoc(200, "OpenAPI 3.1.")),
    ];

    private static AnswerDoc Refusal(int status, string description, string message, string issue) => new(status, description, "Error", $$"""{"message":"{{message}}","issues":["{{issue}}"]}""");

    private static AnswerDoc Health(int status, string description, string state) => new(status, description, "Health", $$"""
        {"status":"{{state}}","services":[{"name":"postgres","state":"{{state}}","observedAt":"2026-11-21T17:50:00+00:00"},{"name":"broker","state":"ok","observedAt":"2026-11-21T17:50:00+00:00"},
          {"name":"storage","state":"ok","observedAt":"2026-11-21T17:50:00+00:00"},{"name":"ingest","state":"ok","observedAt":"2026-11-21T17:50:00+00:00"},{"name":"workers","state":"ok","observedAt":"2026-11-21T17:50:00+00:00"}]}
        """);
}
