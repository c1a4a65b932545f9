using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Lifecycle.Contracts.Live;

namespace Live.Api.OpenApi;

/// <summary>
/// The OpenAPI 3.1 document: schemas and operations as texts beside it, the events and the state machine from their tables. A test holds
/// the operations against the routes, and every example against its schema.
/// </summary>
internal sealed class LiveDocument
{
    /// <summary>For people to read: one member a line, and no letter escaped that needs not be.</summary>
    private static readonly JsonSerializerOptions _indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly Lazy<byte[]> _bytes = new(() => [.. JsonSerializer.SerializeToUtf8Bytes(Write(), _indented), (byte)'\n']);

    public byte[] Bytes => _bytes.Value;

    public static JsonObject Write()
    {
        var document = JsonNode.Parse(DocumentTexts.Frame)!.AsObject();
        document["paths"] = new JsonObject(OperationDocs.All.GroupBy(row => row.Path).Select(path => KeyValuePair.Create(
            path.Key, (JsonNode?)new JsonObject(path.Select(row => KeyValuePair.Create(row.Method.ToLowerInvariant(), (JsonNode?)row.Write()))))));
        document["components"]!["schemas"] = JsonNode.Parse(SchemaTexts.All);
        document["x-events"] = new JsonArray([.. EventDocs.All.Select(told => told.Write())]);
        document["x-stateMachines"] = new JsonArray(StateMachine());
        return document;
    }

    private static JsonObject StateMachine() => new()
    {
        ["name"] = ProvisionWorkflow.Name,
        ["description"] = "Consumes the CreateStreamWorkflow payload and coordinates provisioning.",
        ["startAt"] = ProvisionWorkflow.Table.NameOf(ProvisionWorkflow.Table.Initial(StepOutcome.Started)),
        ["inputSchema"] = new JsonObject { ["$ref"] = "#/components/schemas/CreateStreamWorkflow" },
        ["emits"] = Texts(StateDocs.All.SelectMany(state => state.Emits).Distinct(StringComparer.Ordinal)),
        ["states"] = new JsonArray([.. StateDocs.All.Select(StateOf)]),
    };

    private static JsonObject StateOf(StateDoc state)
    {
        JsonObject written = new()
        {
            ["name"] = ProvisionWorkflow.Table.NameOf(state.State),
            ["type"] = state.Type,
            ["description"] = state.Description,
            ["integration"] = state.Integration.Length == 0 ? null : state.Integration,
            ["transitions"] = new JsonObject(ProvisionWorkflow.Table.AllowedIn(state.State).Select(outcome => KeyValuePair.Create(
                outcome.ToString().ToLowerInvariant(), (JsonNode?)ProvisionWorkflow.Table.NameOf(ProvisionWorkflow.Table.Next(state.State, outcome)!.Value)))),
            ["emits"] = Texts(state.Emits),
        };
        if (StateDocs.TimeoutSecondsOf(state.State) is { } timeout)
        {
            written["timeoutSeconds"] = timeout;
        }

        return written;
    }

    private static JsonArray Texts(IEnumerable<string> texts) => new([.. texts.Select(text => (JsonNode)text)]);
}

internal static class DocumentRoutes
{
    /// <summary><c>GET /openapi.json</c>: docs/openapi/live-api.json, to the byte.</summary>
    public static void MapApiDocument(this IEndpointRouteBuilder routes) => routes.MapGet("/openapi.json", (LiveDocument document) => TypedResults.Bytes(document.Bytes, "application/json"));
}
