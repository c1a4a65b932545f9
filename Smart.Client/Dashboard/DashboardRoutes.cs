using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Smart.Client.Network;
using Smart.Client.Playback;

namespace Smart.Client.Dashboard;

/// <param name="Playing">Whether the latest playback is under way.</param>
public sealed record HealthBody(string Status, string Service, bool Playing);

/// <summary>Seed 002's dashboard: one page, and the client's state as JSON. Pages of any origin may read it and play the stream.</summary>
internal static class DashboardRoutes
{
    /// <summary>Everything the page needs is in it.</summary>
    private const string PagePolicy =
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; media-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static readonly byte[] _page = ReadPage();

    public static void MapDashboard(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/", [HttpMethods.Get, HttpMethods.Head], Page);
        MapJson(routes, "/health", static (playback, _) => new HealthBody("healthy", "smart-client", playback?.IsPlaying ?? false), DashboardJson.Default.HealthBody);
        MapJson(routes, "/api/status", static (playback, services) => StatusBody.Of(playback, Nodes(services), Options(services)), DashboardJson.Default.StatusBody);
        MapJson(routes, "/api/stats", static (playback, services) => StatsBody.Of(playback, Nodes(services), Options(services)), DashboardJson.Default.StatsBody);
        MapJson(routes, "/api/performance", static (playback, _) => PerformanceBody.Of(playback), DashboardJson.Default.PerformanceBody);
        MapJson(routes, "/api/network", static (_, services) => NetworkBody.Of(Nodes(services)), DashboardJson.Default.NetworkBody);
        MapJson(routes, "/api/metrics", static (_, services) => MetricsBody.Of(Samples(services)), DashboardJson.Default.MetricsBody);
        MapJson(routes, "/api/history", static (_, services) => HistoryBody.Of(Samples(services)), DashboardJson.Default.HistoryBody);
        routes.MapControl();
        routes.MapStream();
    }

    private static void MapJson<T>(IEndpointRouteBuilder routes, string path, Func<PlaybackReading?, IServiceProvider, T> read, JsonTypeInfo<T> type) =>
        routes.MapMethods(path, [HttpMethods.Get, HttpMethods.Head], (HttpContext context, SmartPlayer player) =>
        {
            context.Response.Headers.CacheControl = "no-store";
            return TypedResults.Json(read(player.Current?.Read(), context.RequestServices), type);
        });

    private static IReadOnlyList<NodeReading> Nodes(IServiceProvider services) => services.GetRequiredService<NodeRegistry>().Readings;

    private static IReadOnlyList<ClientSample> Samples(IServiceProvider services) => services.GetRequiredService<ClientHistory>().Samples;

    private static SmartClientOptions Options(IServiceProvider services) => services.GetRequiredService<IOptions<SmartClientOptions>>().Value;

    private static FileContentHttpResult Page(HttpContext context)
    {
        context.Response.Headers.ContentSecurityPolicy = PagePolicy;
        context.Response.Headers.XContentTypeOptions = "nosniff";
        context.Response.Headers.CacheControl = "no-cache";
        return TypedResults.Bytes(_page, "text/html; charset=utf-8");
    }

    private static byte[] ReadPage()
    {
        using var resource = typeof(DashboardRoutes).Assembly.GetManifestResourceStream("dashboard.html")!;
        var page = new byte[resource.Length];
        resource.ReadExactly(page);
        return page;
    }
}
