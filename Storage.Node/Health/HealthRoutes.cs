using System.Globalization;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Storage.Node.Chunks;

namespace Storage.Node.Health;

/// <param name="DiskUsage">In percent.</param>
/// <param name="Uptime">In seconds.</param>
public sealed record HealthBody(string Status, double DiskUsage, int ChunkCount, long Uptime, string NodeId);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(HealthBody))]
internal sealed partial class HealthJson : JsonSerializerContext;

/// <summary><c>/ping</c>, which clients ask every three seconds, and <c>/health</c>.</summary>
public sealed class HealthRoutes(NodeStore store, TimeProvider time)
{
    private const double WarningPercent = 85;

    private static readonly string[] _reading = [HttpMethods.Get, HttpMethods.Head];

    private readonly long _started = time.GetTimestamp();

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/ping", _reading, static (HttpContext context, HealthRoutes health) => health.Ping(context.Response));
        routes.MapMethods("/health", _reading, static (HttpContext context, HealthRoutes health) => health.Health(context.Response));
    }

    private IResult Ping(HttpResponse response)
    {
        var began = time.GetTimestamp();
        var headers = response.Headers;
        headers["X-Node-ID"] = store.Identity.NodeId;
        headers["X-Disk-Usage-Percent"] = store.Log.UsedPercent().ToString("0.00", CultureInfo.InvariantCulture);
        headers["X-Chunk-Count"] = store.Log.ChunkCount.ToString(CultureInfo.InvariantCulture);
        headers.CacheControl = "no-cache";
        headers["X-Response-Time"] = time.GetElapsedTime(began).TotalMilliseconds.ToString("0.000", CultureInfo.InvariantCulture);
        return Results.Ok();
    }

    private IResult Health(HttpResponse response)
    {
        var used = store.Log.UsedPercent();
        var status = used > ChunkStoring.MostDiskPercent ? "critical" : used >= WarningPercent ? "warning" : "healthy";
        response.Headers.CacheControl = "no-store";
        HealthBody body = new(status, Math.Round(used, 2), store.Log.ChunkCount, (long)time.GetElapsedTime(_started).TotalSeconds, store.Identity.NodeId);
        return Results.Json(body, HealthJson.Default.HealthBody, statusCode: status == "critical" ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status200OK);
    }
}

/// <summary>Of <c>/ready</c>: whether the disk took the last write.</summary>
internal sealed class LogHealth(NodeStore store) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) => Task.FromResult(
        store.Log.IsFailing ? new HealthCheckResult(context.Registration.FailureStatus, "The last write was refused by the disk.") : HealthCheckResult.Healthy());
}
