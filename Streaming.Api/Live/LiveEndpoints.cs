using Lifecycle.Contracts;
using Lifecycle.Contracts.Media;
using Lifecycle.Store.Live;
using Microsoft.Extensions.Primitives;
using Streaming.Api.Delivery;
using Streaming.Api.Segments;
using Streaming.Api.Videos;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Api.Live;

/// <summary>Everything under /stream/{streamId}: live playlists and their segments, at the same addresses as a video's.</summary>
internal sealed class LiveEndpoints(LiveStreamCache streams, LiveCatalogue catalogue, SegmentCache segments, StreamingMetrics metrics, LiveMetrics liveMetrics)
{
    private static readonly string[] _methods = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>Neither kept by the gateway nor shown again by a client without asking.</summary>
    private static readonly StringValues _playlist = "no-cache";
    private static readonly StringValues _privatePlaylist = "private, no-cache";
    private static readonly StringValues _privateSegment = "private, max-age=31536000, immutable";
    private static readonly StringValues _gatewayNever = "0";

    public static void Map(IEndpointRouteBuilder routes)
    {
        var endpoints = routes.ServiceProvider.GetRequiredService<LiveEndpoints>();
        var stream = routes.MapGroup($"/stream/{{id:{StreamIdConstraint.Name}}}");
        stream.MapMethods("/manifest", _methods, endpoints.MultivariantAsync);
        stream.MapMethods("/manifest/{track}", _methods, endpoints.MediaPlaylistAsync);
        stream.MapMethods("/segment/{segmentId}", _methods, endpoints.SegmentAsync);
    }

    private async Task MultivariantAsync(HttpContext context)
    {
        if (await ReadAsync(context) is not { } view)
        {
            return;
        }

        if (view.Stream.IsRecorded)
        {
            RedirectToVideo(context.Response, view.Stream.VideoId);
            return;
        }

        await (view switch
        {
            { Stream.IsSwept: true } => Problems.UnknownVideo.ToResult().ExecuteAsync(context),
            { NotReady: { } problem } => problem.ExecuteAsync(context),
            _ => SendAsync(context, view, view.Multivariant),
        });
    }

    private async Task MediaPlaylistAsync(HttpContext context)
    {
        if (await ReadAsync(context) is not { } view)
        {
            return;
        }

        // Who plays the live playlist when the recording is ready plays it to its end.
        await (view switch
        {
            { NotReady: { } problem, Stream.IsSwept: false } => problem.ExecuteAsync(context),
            _ when view.TryGetPlaylist(Value(context, "track"), out var playlist) => SendAsync(context, view, playlist),
            _ => Problems.UnknownTrack.ToResult().ExecuteAsync(context),
        });
    }

    private async Task SegmentAsync(HttpContext context)
    {
        var stream = streams.Open(Value(context, "id"));
        if (await KnownAsync(context, stream) is not { } view)
        {
            return;
        }

        if (SegmentId.TryParse(Value(context, "segmentId"), out var id) && await FindAsync(context, stream, view, id) is { } segment)
        {
            var isPrivate = view.Stream.Entitlement is not null;
            await Answers.SendAsync(
                context, segment, segments, isPrivate ? _privateSegment : Caching.Immutable, isPrivate ? _gatewayNever : Caching.GatewaySegmentSeconds, metrics);
            return;
        }

        await Problems.UnknownSegment.ToResult().ExecuteAsync(context);
    }

    /// <summary>In what is known here; else, where another replica may know more, in a fresh read; else, where it has been dropped, in the database.</summary>
    private async ValueTask<ServedObject?> FindAsync(HttpContext context, LiveStream stream, LiveView view, SegmentId id)
    {
        if (view.Find(id) is { } known)
        {
            return known;
        }

        if (view.Timeline.IsBehind(id))
        {
            var answer = await stream.ReadAsync().WaitAsync(context.RequestAborted);
            return answer.View?.Find(id);
        }

        return view.Timeline.IsBefore(id) && await catalogue.FindAsync(stream.Id, id, context.RequestAborted) is { } stored ? new(stored, stored.ContentType) : null;
    }

    /// <summary>A view that is enough for a segment; null where the answer is sent already.</summary>
    private static async ValueTask<LiveView?> KnownAsync(HttpContext context, LiveStream stream)
    {
        if (stream.Known is { NotReady: null } known)
        {
            return await PermittedAsync(context, known);
        }

        var view = await ReadAsync(context, stream);
        return view is { NotReady: { } problem, Stream.IsSwept: false } ? await RefusedAsync(context, problem) : view;
    }

    private ValueTask<LiveView?> ReadAsync(HttpContext context)
    {
        liveMetrics.Polled();
        return ReadAsync(context, streams.Open(Value(context, "id")));
    }

    /// <summary>The stream as it is now, for one who may see it; null where the answer is sent already.</summary>
    private static async ValueTask<LiveView?> ReadAsync(HttpContext context, LiveStream stream)
    {
        var answer = await stream.ReadAsync().WaitAsync(context.RequestAborted);
        return answer.View is { } view ? await PermittedAsync(context, view) : await RefusedAsync(context, answer.Problem!);
    }

    private static async ValueTask<LiveView?> PermittedAsync(HttpContext context, LiveView view) => Entitlement.IsShown(context.Request, view.Stream.Entitlement)
        ? view
        : await RefusedAsync(context, Problems.Forbidden.ToResult("The stream is not public: its addresses carry an entitlement."));

    private static async ValueTask<LiveView?> RefusedAsync(HttpContext context, ProblemResult problem)
    {
        await problem.ExecuteAsync(context);
        return null;
    }

    private static Task SendAsync(HttpContext context, LiveView view, ServedText text) =>
        TextAnswer.SendAsync(context, text, view.Stream.Entitlement is null ? _playlist : _privatePlaylist, _gatewayNever);

    private static void RedirectToVideo(HttpResponse response, Guid videoId)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers["X-Accel-Expires"] = _gatewayNever;
        response.Redirect($"/stream/{videoId}/manifest");
    }

    private static string Value(HttpContext context, string name) => (string)context.Request.RouteValues[name]!;
}
