using Lifecycle.Store.Live;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Http.Metadata;

namespace Live.Api.Ingest;

/// <summary>
/// The RTMP server's callbacks (VideoPlatform.AppHost/ingest.conf.template). It takes any answer but 2xx, and none, for a refusal, so a
/// store that is away refuses, too. The gateway does not publish these routes; who reaches them all the same learns only whether a key is right.
/// </summary>
public static class IngestRoutes
{
    public static IServiceCollection AddIngest(this IServiceCollection services) => services.AddSingleton<StreamKeys>().AddSingleton<PlayKeys>().AddSingleton<IngestPlayers>().AddSingleton<IngestGate>();

    public static void MapIngest(this IEndpointRouteBuilder routes)
    {
        var ingest = routes.MapGroup("/ingest").WithMetadata(new SmallBody()).ExcludeFromDescription();
        ingest.MapPost("/publish", static async (HttpRequest request, IngestGate gate, CancellationToken ct) =>
            Answer(await gate.MayPublishAsync(await IngestCall.ReadAsync(request, "publish", ct), ct)));
        ingest.MapPost("/play", static async (HttpRequest request, IngestGate gate, CancellationToken ct) => Answer(gate.MayPlay(await IngestCall.ReadAsync(request, "play", ct))));
        ingest.MapPost("/play-done", static async (HttpRequest request, IngestGate gate, CancellationToken ct) =>
        {
            gate.PlayerHasLeft(await IngestCall.ReadAsync(request, "play_done", ct));
            return TypedResults.NoContent();
        });
        ingest.MapPost("/publish-done", static async (HttpRequest request, IngestGate gate, CancellationToken ct) =>
        {
            gate.HasLeft(await IngestCall.ReadAsync(request, "publish_done", ct));
            return TypedResults.NoContent();
        });
    }

    private static StatusCodeHttpResult Answer(bool allowed) => TypedResults.StatusCode(allowed ? StatusCodes.Status204NoContent : StatusCodes.Status403Forbidden);

    /// <summary>The RTMP server bounds what its clients say at some hundred characters each.</summary>
    private sealed class SmallBody : IRequestSizeLimitMetadata
    {
        public long? MaxRequestBodySize => 8192;
    }
}
