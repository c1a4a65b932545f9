using System.Text.Json.Serialization;
using Lifecycle.Store.Monitoring;

namespace Live.Api.Monitoring;

/// <param name="Name">The part: postgres, broker, storage, ingest, workers.</param>
/// <param name="State">ok, degraded or down.</param>
/// <param name="ObservedAt">When it was last looked at.</param>
public sealed record ServiceState(string Name, string State, string? ObservedAt);

/// <param name="Status">ok, or down where Postgres is: without the others streams are still taken, and wait.</param>
public sealed record HealthBody(string Status, IReadOnlyList<ServiceState> Services);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthBody))]
internal sealed partial class HealthJson : JsonSerializerContext;

/// <summary><c>GET /health</c> as seed 001 has it.</summary>
internal static class HealthRoutes
{
    public static IServiceCollection AddHealth(this IServiceCollection services)
    {
        services.AddSingleton<HealthMonitor>();
        return services.AddHostedService(provider => provider.GetRequiredService<HealthMonitor>());
    }

    public static void MapHealth(this IEndpointRouteBuilder routes) => routes.MapMethods("/health", [HttpMethods.Get, HttpMethods.Head], async (HealthMonitor monitor, HttpResponse response, CancellationToken ct) =>
    {
        response.Headers.CacheControl = "no-store";
        var body = await monitor.LastAsync(ct);
        return TypedResults.Json(body, HealthJson.Default.HealthBody, "application/json", body.Status == PartState.Ok ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    });
}
