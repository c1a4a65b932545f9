using Lifecycle.Contracts;
using Microsoft.Extensions.Primitives;
using Streaming.Api.Delivery;
using Streaming.Api.Segments;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Api.Videos;

/// <summary>Everything under /stream/{videoId}: the contract's manifest and segments, and what a player can use besides.</summary>
public sealed class VideoEndpoints(VideoCache videos, SegmentCache segments, ViewCounts views, StreamingMetrics metrics)
{
    private static readonly string[] _methods = [HttpMethods.Get, HttpMethods.Head];

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<VideoEndpoints>();
        var video = routes.MapGroup("/stream/{videoId}");
        video.MapMethods("/manifest", _methods, endpoints.MultivariantAsync);
        video.MapMethods("/manifest/{track}", _methods, endpoints.MediaPlaylistAsync);
        video.MapMethods("/segment/{segmentId}", _methods, endpoints.SegmentAsync);
        video.MapMethods("/poster", _methods, endpoints.PosterAsync);
        video.MapMethods("/storyboard.vtt", _methods, endpoints.StoryboardTrackAsync);
        video.MapMethods("/storyboard.jpg", _methods, endpoints.StoryboardSpriteAsync);
        video.MapMethods("/conformance", _methods, endpoints.ConformanceAsync);
    }

    private async Task MultivariantAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } video)
        {
            if (HttpMethods.IsGet(context.Request.Method))
            {
                views.Add(Guid.ParseExact(Value(context, "videoId"), "D"));
            }

            await TextAnswer.SendAsync(context, video.Multivariant);
        }
    }

    private async Task MediaPlaylistAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } video)
        {
            await (video.TryGetPlaylist(Value(context, "track"), out var playlist)
                ? TextAnswer.SendAsync(context, playlist)
                : Problems.UnknownTrack.ToResult().ExecuteAsync(context));
        }
    }

    private async Task SegmentAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } video)
        {
            await (video.TryGetSegment(Value(context, "segmentId"), out var segment)
                ? Answers.SendAsync(context, segment, segments, Caching.Immutable, Caching.GatewaySegmentSeconds, metrics)
                : Problems.UnknownSegment.ToResult().ExecuteAsync(context));
        }
    }

    private async Task PosterAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } video)
        {
            await SendImageAsync(context, video.Poster);
        }
    }

    private async Task StoryboardSpriteAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } video)
        {
            await SendImageAsync(context, video.StoryboardSprite);
        }
    }

    private async Task StoryboardTrackAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } video)
        {
            await (video.StoryboardTrack is { } track ? TextAnswer.SendAsync(context, track) : Problems.UnknownRoute.ToResult("The video has no storyboard.").ExecuteAsync(context));
        }
    }

    private async Task ConformanceAsync(HttpContext context)
    {
        if (await FindAsync(context) is { } video)
        {
            await TextAnswer.SendAsync(context, video.Conformance);
        }
    }

    private Task SendImageAsync(HttpContext context, ServedObject? image) => image is null
        ? Problems.UnknownRoute.ToResult("The video has no such image.").ExecuteAsync(context)
        : Answers.SendAsync(context, image, segments, Caching.Short, Caching.GatewayShortSeconds, metrics);

    /// <summary>The video that the address names; null where the answer is sent already.</summary>
    private async ValueTask<ServedVideo?> FindAsync(HttpContext context)
    {
        var answer = Guid.TryParseExact(Value(context, "videoId"), "D", out var videoId) ? await videos.FindAsync(videoId, context.RequestAborted) : VideoAnswer.Missing;
        if (answer.Problem is { } problem)
        {
            await problem.ExecuteAsync(context);
        }

        return answer.Video;
    }

    private static string Value(HttpContext context, string name) => (string)context.Request.RouteValues[name]!;
}

/// <summary>Answers with a text in the form that the client takes.</summary>
internal static class TextAnswer
{
    private static readonly StringValues _vary = "Accept-Encoding";

    public static Task SendAsync(HttpContext context, ServedText text) => SendAsync(context, text, Caching.Short, Caching.GatewayShortSeconds);

    public static async Task SendAsync(HttpContext context, ServedText text, StringValues cacheControl, StringValues gatewaySeconds)
    {
        var form = Choose(context.Request.Headers.AcceptEncoding, text);
        var response = context.Response;
        var status = Preconditions.Evaluate(context.Request.Headers, form.ETag.ToString());
        if (status == StatusCodes.Status412PreconditionFailed)
        {
            await Problems.PreconditionFailed.ToResult().ExecuteAsync(context);
            return;
        }

        response.StatusCode = status;
        response.Headers.ETag = form.ETag;
        response.Headers.Vary = _vary;
        response.Headers.CacheControl = cacheControl;
        response.Headers["X-Accel-Expires"] = gatewaySeconds;
        if (status == StatusCodes.Status304NotModified)
        {
            return;
        }

        response.Headers.ContentType = text.ContentType;
        response.Headers.ContentEncoding = form.Encoding;
        response.ContentLength = form.Bytes.Length;
        if (!HttpMethods.IsHead(context.Request.Method))
        {
            await response.BodyWriter.WriteAsync(form.Bytes, context.RequestAborted);
        }
    }

    private static TextForm Choose(StringValues accepted, ServedText text)
    {
        if (accepted.Count == 0 || text.Gzip is null)
        {
            return text.Plain;
        }

        var (brotli, gzip) = AcceptedEncoding.Parse(accepted.ToString());
        return brotli ? text.Brotli! : gzip ? text.Gzip : text.Plain;
    }
}
