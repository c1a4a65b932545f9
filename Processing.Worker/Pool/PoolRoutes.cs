using System.Text.Json.Serialization;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Workers;

namespace Processing.Worker.Pool;

/// <param name="Queued">Tasks that may be claimed now or later.</param>
public sealed record PoolBody(long Queued, IReadOnlyList<WorkerView> Workers);

public sealed record LivenessBody(string Status);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PoolBody))]
[JsonSerializable(typeof(LivenessBody))]
internal sealed partial class PoolJson : JsonSerializerContext;

/// <summary><c>GET /workers</c>: the whole pool, from any worker. <c>GET /health</c>: this process, without looking at anything else (seed 000).</summary>
public static class PoolRoutes
{
    public static IServiceCollection AddPool(this IServiceCollection services)
    {
        services.AddSingleton<PoolSlots>();
        services.AddSingleton<Permits>();
        services.AddHostedService(provider => provider.GetRequiredService<Permits>());
        return services.AddHostedService<WorkLoop>();
    }

    public static void MapPool(this IEndpointRouteBuilder routes)
    {
        string[] reads = [HttpMethods.Get, HttpMethods.Head];
        routes.MapMethods("/health", reads, () => TypedResults.Json(new LivenessBody("ok"), PoolJson.Default.LivenessBody));
        routes.MapMethods("/workers", reads, async (TaskQueue queue, WorkerRegistry registry, HttpResponse response, CancellationToken ct) =>
        {
            response.Headers.CacheControl = "no-store";
            return TypedResults.Json(new PoolBody(await queue.DepthAsync(ct), await registry.ListAsync(ct)), PoolJson.Default.PoolBody);
        });
    }
}
