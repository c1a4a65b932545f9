using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Serialization;
using Lifecycle.Store;
using Microsoft.Extensions.Options;
using Storage.Metadata.Database;
using Storage.Metadata.Nodes;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata;

internal sealed record HealthBody(string Status, string Service, int HealthyNodes, int TotalNodes, string DatabaseStatus);

internal sealed record RootBody(string Message, string Version);

internal sealed record StatsBody(long TotalVideos, long TotalChunks, long TotalReplicas, int HealthyNodes, string ServiceVersion);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthBody))]
[JsonSerializable(typeof(RootBody))]
[JsonSerializable(typeof(StatsBody))]
internal sealed partial class ServiceJson : JsonSerializerContext;

/// <summary>What the service says of itself.</summary>
internal static class ServiceRoutes
{
    private const string Version = "1.0.0";
    private const string Name = "metadata-service";

    private static readonly string[] _reads = [HttpMethods.Get, HttpMethods.Head];

    public static void MapService(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/health", _reads, HealthAsync);
        routes.MapMethods("/ping", _reads, Ping);
        routes.MapGet("/", static () => Results.Json(new RootBody("V-Stack Metadata Service", Version), ServiceJson.Default.RootBody));
        routes.MapGet("/stats", StatsAsync);
    }

    private static async Task<IResult> HealthAsync(NodeRegistry registry, IOptions<MetadataOptions> options, CancellationToken ct)
    {
        try
        {
            var nodes = (await registry.ListAsync(ct)).Where(node => node.Url is not null).ToList();
            return Results.Json(new HealthBody("healthy", Name, nodes.Count(node => node.StateBy(options.Value) == NodeState.Healthy), nodes.Count, "healthy"), ServiceJson.Default.HealthBody);
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            return new DetailResult(StatusCodes.Status503ServiceUnavailable, "Service unhealthy");
        }
    }

    /// <summary>As a node answers it: manifests name this service as a replica of coded chunks, and clients measure their replicas.</summary>
    private static void Ping(HttpContext context)
    {
        var started = Stopwatch.GetTimestamp();
        var headers = context.Response.Headers;
        headers["X-Node-ID"] = Name;
        headers["X-Disk-Usage-Percent"] = "0.00";
        headers["X-Chunk-Count"] = "0";
        headers["X-Response-Time"] = Stopwatch.GetElapsedTime(started).TotalMilliseconds.ToString("0.000", CultureInfo.InvariantCulture);
        headers.CacheControl = "no-cache";
    }

    private static async Task<IResult> StatsAsync(ChunkDatabase database, NodeRegistry registry, IOptions<MetadataOptions> options, CancellationToken ct)
    {
        var healthy = (await registry.ListAsync(ct)).Count(node => node.StateBy(options.Value) == NodeState.Healthy);
        var stats = await database.FirstAsync(
            """
            select (select count(*) from videos where status <> 'deleted' and not is_edge), count(*), coalesce(sum((select count(*) from unnest(nodes) node where node <> '')), 0)::bigint from chunk_placements
            """, [], row => new StatsBody(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), healthy, Version), ct);
        return Results.Json(stats!, ServiceJson.Default.StatsBody);
    }
}
