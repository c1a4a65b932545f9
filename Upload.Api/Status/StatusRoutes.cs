using System.Text.Json.Serialization;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Videos;
using Lifecycle.Store;
using Microsoft.Extensions.Options;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Status;

/// <summary>A video's state at one moment.</summary>
/// <param name="Progress">Share of the processing that is done, 0 to 1.</param>
/// <param name="Category">Of a failure.</param>
/// <param name="Reason">Of a failure.</param>
public sealed record StatusBody([property: JsonPropertyName("videoId")] Guid VideoId, string State, DateTimeOffset Timestamp, double Progress, string? Category, string? Reason);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StatusBody))]
[JsonSerializable(typeof(StatusMessage))]
internal sealed partial class StatusJson : JsonSerializerContext;

/// <summary><c>GET /video/{id}/status</c>, and its changes over WebSocket or server-sent events at <c>/status/stream</c>.</summary>
public static class StatusRoutes
{
    public static IServiceCollection AddStatusStreams(this IServiceCollection services)
    {
        services.AddOptions<StatusOptions>().BindConfiguration(StatusOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<StatusOptions>, StatusOptionsValidator>();
        services.AddSingleton<StatusGate>();
        services.AddVideoEvents<StatusHub>();
        services.AddSingleton<StatusFeed>();
        return services.AddHostedService(provider => provider.GetRequiredService<StatusHub>());
    }

    public static void MapStatus(this IEndpointRouteBuilder routes)
    {
        routes.MapMethods("/video/{videoId}/status", [HttpMethods.Get, HttpMethods.Head], StatusAsync);
        routes.MapGet("/video/{videoId}/status/stream", StreamAsync);
    }

    internal static StatusMessage MessageOf(VideoStatus status) => new(status.VideoId, VideoLifecycle.Table.NameOf(status.State), status.At);

    private static async Task<IResult> StatusAsync(string videoId, HttpResponse response, VideoStore videos, CancellationToken ct)
    {
        if (!Guid.TryParseExact(videoId, "D", out var id) || await videos.StatusAsync(id, ct) is not { } status)
        {
            return Problems.UnknownVideo.ToResult();
        }

        response.Headers.CacheControl = "no-store";
        StatusBody body = new(id, VideoLifecycle.Table.NameOf(status.State), status.At, Math.Round(status.Progress, 4), status.FailureCategory, status.FailureReason);
        return TypedResults.Json(body, StatusJson.Default.StatusBody);
    }

    private static async Task<IResult> StreamAsync(
        string videoId, HttpContext context, StatusFeed feeds, StatusGate gate, TimeProvider time, IHostApplicationLifetime lifetime, CancellationToken ct)
    {
        var events = context.Request.GetTypedHeaders().Accept.Any(accepted => accepted.MediaType.Equals("text/event-stream", StringComparison.OrdinalIgnoreCase));
        if (!Guid.TryParseExact(videoId, "D", out var id))
        {
            return Problems.UnknownVideo.ToResult();
        }

        using var place = gate.TryEnter();
        if (place is null)
        {
            return Problems.Unavailable.ToResult("This server keeps no more status streams open at the moment.", Problems.RetryAfterSeconds);
        }

        // The snapshot is the look-up: an unknown id is 404 before any upgrade.
        using var feed = await feeds.OpenAsync(id, ct);
        if (feed is null)
        {
            return Problems.UnknownVideo.ToResult();
        }

        if (context.WebSockets.IsWebSocketRequest)
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await StatusSocket.RunAsync(socket, feed, lifetime.ApplicationStopping, ct);
            return Results.Empty;
        }

        if (!events)
        {
            context.Response.Headers.Upgrade = "websocket";
            return Problems.NotWebSocket.ToResult();
        }

        using StatusEvents stream = new(context.Response, time);
        await stream.RunAsync(feed, lifetime.ApplicationStopping, ct);
        return Results.Empty;
    }
}
