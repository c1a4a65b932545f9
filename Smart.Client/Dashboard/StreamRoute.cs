using Smart.Client.Playback;
using Storage.Fabric.Chunks;
using VideoPlatform.ServiceDefaults;

namespace Smart.Client.Dashboard;

/// <summary><c>GET /api/stream/{video_id}</c>: the video as one fragmented MP4, as fast as its reader reads. Its length is not known before it is over, so there are no ranges.</summary>
internal static partial class StreamRoute
{
    public static void MapStream(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/stream/{videoId}", StreamAsync);
        routes.MapMethods("/api/stream/{videoId}", [HttpMethods.Head], HeadAsync);
    }

    /// <summary>No playback: nothing is read of nodes and no view is counted.</summary>
    private static async Task<IResult> HeadAsync(string videoId, HttpContext context, SmartPlayer player, CancellationToken ct)
    {
        try
        {
            if (!Guid.TryParse(videoId, out var id) || await player.FindAsync(id, ct) is null)
            {
                return NotFound();
            }
        }
        catch (Exception exception) when (PlaybackRefusals.Of(exception) is not null)
        {
            return PlaybackRefusals.Of(exception)!;
        }

        SetHeaders(context.Response);
        return Results.Empty;
    }

    private static async Task<IResult> StreamAsync(string videoId, HttpContext context, SmartPlayer player, ILoggerFactory loggers, CancellationToken ct)
    {
        if (!Guid.TryParse(videoId, out var id))
        {
            return NotFound();
        }

        PlaybackSession session;
        try
        {
            session = await player.OpenAsync(id, Pace.Unbounded, ct);
        }
        catch (Exception exception) when (PlaybackRefusals.Of(exception) is not null)
        {
            return PlaybackRefusals.Of(exception)!;
        }

        using (session)
        {
            SetHeaders(context.Response);
            try
            {
                await session.PlayAsync(ChunkSinks.To(context.Response.Body), ct);
                if (session.WasStopped)
                {
                    context.Abort(); // what its reader has is not the whole video
                }
            }
            catch (ChunkUnavailableException exception)
            {
                Log.Ended(loggers.CreateLogger(typeof(StreamRoute)), id, exception.Message);
                if (!context.Response.HasStarted)
                {
                    return new DetailResult(StatusCodes.Status503ServiceUnavailable, "No node has the video's first chunk", retryAfterSeconds: 5);
                }

                context.Abort();
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException && ct.IsCancellationRequested)
            {
                // The viewer is gone.
            }
        }

        return Results.Empty;
    }

    private static DetailResult NotFound() => new(StatusCodes.Status404NotFound, "Video not found");

    private static void SetHeaders(HttpResponse response)
    {
        response.ContentType = "video/mp4";
        response.Headers.CacheControl = "no-store";
        response.Headers.AcceptRanges = "none";
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The stream of video {VideoId} ended early: {Reason}")]
        public static partial void Ended(ILogger logger, Guid videoId, string reason);
    }
}
