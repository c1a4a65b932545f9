using System.Text.Json.Serialization;
using Lifecycle.Store.Monitoring;
using Lifecycle.Store.Workers;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Upload.Api.Monitoring;

/// <param name="Name">The part.</param>
/// <param name="State">ok, degraded or down.</param>
/// <param name="ObservedAt">When it was last looked at.</param>
public sealed record ServiceState(string Name, string State, [property: JsonPropertyName("observedAt")] DateTimeOffset ObservedAt);

/// <param name="Status">ok, down when a needed part is, starting before the first look; only ok is 200.</param>
public sealed record HealthBody(string Status, IReadOnlyList<ServiceState> Services);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(HealthBody))]
internal sealed partial class HealthJson : JsonSerializerContext;

/// <summary><c>GET /health</c>, also the gateway's: the platform as a whole. Without workers uploads are still taken, so that is no outage.</summary>
public static class HealthRoutes
{
    public static void MapHealth(this IEndpointRouteBuilder routes) => routes.MapMethods("/health", [HttpMethods.Get, HttpMethods.Head], (HealthMonitor monitor, HttpResponse response) =>
    {
        response.Headers.CacheControl = "no-store";
        var body = monitor.Current;
        return TypedResults.Json(body, HealthJson.Default.HealthBody, statusCode: body.Status == PartState.Ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    });
}

/// <summary>What Upload.Api needs, and the pool.</summary>
public sealed class HealthMonitor(HealthCheckService checks, WorkerRegistry workers, TimeProvider time) : HealthLook<HealthBody>(checks, workers, time)
{
    private static readonly HealthBody _starting = new("starting", []);

    public HealthBody Current => Last ?? _starting;

    protected override async Task<HealthBody> LookAsync(CancellationToken ct)
    {
        var needed = await NeededAsync(ct);
        List<ServiceState> services = [.. needed.Select(part => new ServiceState(part.Key, part.Value, Time.GetUtcNow()))];
        services.Add(new("processing-worker", await WorkersAsync(ct), Time.GetUtcNow()));
        return new(services.Any(service => service.State == PartState.Down) ? PartState.Down : PartState.Ok, services);
    }
}
