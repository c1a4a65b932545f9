using System.Text.Json.Serialization;
using Lifecycle.Store;
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
        return TypedResults.Json(body, HealthJson.Default.HealthBody, statusCode: body.Status == HealthMonitor.Ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    });
}

/// <summary>Looks at every part in the background, so that a health request costs nothing and never hangs on a part that does.</summary>
public sealed class HealthMonitor(HealthCheckService checks, WorkerRegistry workers, TimeProvider time) : BackgroundService
{
    public const string Ok = "ok";
    private const string Degraded = "degraded";
    private const string Down = "down";
    private const string Starting = "starting";

    private static readonly TimeSpan _every = TimeSpan.FromSeconds(2);

    private volatile HealthBody _current = new(Starting, []);

    public HealthBody Current => _current;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_every, time);
        do
        {
            _current = await LookAsync(stoppingToken);
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<HealthBody> LookAsync(CancellationToken ct)
    {
        var report = await checks.CheckHealthAsync(check => check.Tags.Contains("ready"), ct);
        List<ServiceState> services = [.. report.Entries.Select(entry => new ServiceState(entry.Key, entry.Value.Status == HealthStatus.Healthy ? Ok : Down, time.GetUtcNow()))];
        services.Add(new("processing-worker", await WorkersAsync(ct), time.GetUtcNow()));
        return new(services.Any(service => service.State == Down) ? Down : Ok, services);
    }

    private async Task<string> WorkersAsync(CancellationToken ct)
    {
        try
        {
            return (await workers.ListAsync(ct)).Any(worker => worker.Status != "OFFLINE") ? Ok : Degraded;
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            return Degraded; // the database's own line says why
        }
    }
}
