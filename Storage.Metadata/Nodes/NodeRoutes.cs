using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;
using Storage.Fabric.Chunks;
using Storage.Metadata.Http;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata.Nodes;

internal sealed record NodeRow(string NodeUrl, string NodeId, DateTime LastHeartbeat, double DiskUsagePercent, long ChunkCount, string Status, string Version);

internal sealed record NodesBody(IReadOnlyList<NodeRow> Nodes);

internal sealed record HealthSummary(int Healthy, int Degraded, int Down);

internal sealed record RegisteredNode(string Status, string NodeId, string NodeUrl);

internal sealed record HeartbeatAnswer(string Status, string Message);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(IReadOnlyList<NodeRow>))]
[JsonSerializable(typeof(NodesBody))]
[JsonSerializable(typeof(HealthSummary))]
[JsonSerializable(typeof(RegisteredNode))]
[JsonSerializable(typeof(HeartbeatAnswer))]
internal sealed partial class NodeRouteJson : JsonSerializerContext;

/// <summary>Registration, heartbeats, and who is alive.</summary>
internal static class NodeRoutes
{
    private const int MostId = 128;
    private const int MostUrl = 512;
    private const int MostVersion = 64;

    public static void MapNodes(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/nodes/register", RegisterAsync).AddEndpointFilter<NodeCredential>();
        routes.MapPost("/nodes/{nodeId}/heartbeat", HeartbeatAsync).AddEndpointFilter<NodeCredential>();
        routes.MapGet("/nodes/healthy", HealthyAsync);
        routes.MapGet("/nodes/all", AllAsync);
        routes.MapGet("/nodes/health-summary", SummaryAsync);
    }

    /// <summary>By query as documented, or by a JSON body as existing nodes send it.</summary>
    private static async Task<IResult> RegisterAsync(HttpContext context, NodeRegistry registry, NodeDirectory directory, CancellationToken ct)
    {
        var query = context.Request.Query;
        Fields? fields;
        if (query.ContainsKey("node_url") || query.ContainsKey("node_id"))
        {
            var texts = query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString());
            fields = new(System.Text.Json.JsonSerializer.SerializeToElement(texts, QueryJson.Default.DictionaryStringString), "query");
        }
        else
        {
            (fields, var refusal) = await Fields.OfBodyAsync(context);
            if (fields is null)
            {
                return refusal!;
            }
        }

        var (given, id, version) = (fields.Text("node_url", 1, MostUrl), fields.Text("node_id", 1, MostId), fields.Text("version", 1, MostVersion, "1.0.0"));
        var acceptor = fields.Text("acceptor_id", 0, AcceptorName.IdLength, "");
        if (!fields.AreGood)
        {
            return fields.Refusal;
        }

        if (!NodeUrl.TryNormalize(given, out var url))
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "Invalid node_url: must start with http:// or https://");
        }

        await registry.RegisterAsync(id, url, version, AcceptorName.IsId(acceptor) ? acceptor : null, ct);
        directory.Forget();
        return Results.Json(new RegisteredNode("registered", id, given), NodeRouteJson.Default.RegisteredNode);
    }

    private static async Task<IResult> HeartbeatAsync(string nodeId, HttpContext context, NodeRegistry registry, CancellationToken ct)
    {
        var (fields, refusal) = await Fields.OfBodyAsync(context);
        if (fields is null)
        {
            return refusal!;
        }

        var (disk, chunks) = (fields.Double("disk_usage_percent", 0, 100), fields.Integer("chunk_count", 0, 1L << 53));
        if (!fields.AreGood)
        {
            return fields.Refusal;
        }

        return await registry.HeartbeatAsync(nodeId, disk, chunks, ct)
            ? Results.Json(new HeartbeatAnswer("ok", $"Heartbeat updated for node {nodeId}"), NodeRouteJson.Default.HeartbeatAnswer)
            : new DetailResult(StatusCodes.Status404NotFound, "Node not found");
    }

    private static async Task<IResult> HealthyAsync(NodeRegistry registry, IOptions<MetadataOptions> options, CancellationToken ct)
    {
        var rows = await RowsAsync(registry, options.Value, ct);
        return Results.Json([.. rows.Where(row => row.Status == NodeState.Healthy).OrderBy(row => row.DiskUsagePercent)], NodeRouteJson.Default.IReadOnlyListNodeRow);
    }

    private static async Task<IResult> AllAsync(NodeRegistry registry, IOptions<MetadataOptions> options, CancellationToken ct) =>
        Results.Json(new NodesBody(await RowsAsync(registry, options.Value, ct)), NodeRouteJson.Default.NodesBody);

    private static async Task<IResult> SummaryAsync(NodeRegistry registry, IOptions<MetadataOptions> options, CancellationToken ct)
    {
        var states = (await RowsAsync(registry, options.Value, ct)).CountBy(row => row.Status).ToDictionary();
        return Results.Json(
            new HealthSummary(states.GetValueOrDefault(NodeState.Healthy), states.GetValueOrDefault(NodeState.Degraded), states.GetValueOrDefault(NodeState.Down)), NodeRouteJson.Default.HealthSummary);
    }

    private static async Task<IReadOnlyList<NodeRow>> RowsAsync(NodeRegistry registry, MetadataOptions options, CancellationToken ct) =>
    [
        .. (await registry.ListAsync(ct)).Where(node => node.Url is not null)
            .Select(node => new NodeRow(node.Url!, node.Id, node.LastSeen, node.DiskUsagePercent, node.ChunkCount, node.StateBy(options), node.Version)),
    ];
}

[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class QueryJson : JsonSerializerContext;
