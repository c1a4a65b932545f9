using System.Globalization;
using Smart.Client.Buffering;
using Smart.Client.Mp4;
using Smart.Client.Playback;
using Storage.Fabric.Chunks;
using VideoPlatform.ServiceDefaults;

namespace Smart.Client.Dashboard;

/// <summary>
/// <c>GET /api/stream/{video_id}</c>: the video as one fragmented MP4, as fast as its reader reads. Its length and each chunk's place in it are in the
/// manifest, so a range is read from its first chunk on (RFC 9110, 14).
/// </summary>
internal static partial class StreamRoute
{
    public static void MapStream(this IEndpointRouteBuilder routes) =>
        routes.MapMethods("/api/stream/{videoId}", [HttpMethods.Get, HttpMethods.Head], StreamAsync);

    private static async Task<IResult> StreamAsync(string videoId, HttpContext context, SmartPlayer player, TimeProvider time, ILoggerFactory loggers, CancellationToken ct)
    {
        var asked = time.GetTimestamp();
        try
        {
            if (!Guid.TryParse(videoId, out var id) || await player.FindAsync(id, ct) is not { } manifest)
            {
                return new DetailResult(StatusCodes.Status404NotFound, "Video not found");
            }

            StreamLayout layout = new(manifest);
            var status = Preconditions.Evaluate(context.Request.Headers, layout.ETag);
            var range = Preconditions.Range(context.Request, layout.ETag, layout.Length);
            if (status == StatusCodes.Status412PreconditionFailed)
            {
                return new DetailResult(status, "The video is another one by now");
            }

            Describe(context.Response, layout);
            if (status == StatusCodes.Status304NotModified)
            {
                return Results.StatusCode(status);
            }

            if (range.Kind == RangeKind.Unsatisfiable)
            {
                context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{layout.Length}");
                return new DetailResult(StatusCodes.Status416RangeNotSatisfiable, "The range lies outside of the video");
            }

            WriteLength(context.Response, range, layout.Length);
            if (HttpMethods.IsHead(context.Request.Method))
            {
                return Results.Empty; // no playback: nothing is read of nodes and no view is counted
            }

            using var session = player.Open(manifest, SpanOf(layout, range), IsView(layout, range), Pace.Unbounded, asked);
            return await SendAsync(context, session, ChunkSinks.To(context.Response.Body, layout, range.Start, range.Length), loggers, ct);
        }
        catch (Exception exception) when (PlaybackRefusals.Of(exception) is { } refusal && !context.Response.HasStarted)
        {
            context.Response.Clear();
            return refusal;
        }
    }

    /// <summary>With the chunk before the first: only with its init at hand is it known whether the next one repeats it.</summary>
    private static ChunkSpan SpanOf(StreamLayout layout, ByteRange range) =>
        new(Math.Max(0, layout.ChunkAt(range.Start) - 1), layout.ChunkAt(range.Start + range.Length - 1) + 1);

    /// <summary>Who seeks has begun before, and who asks for the first two bytes, as Safari does, wants to know whether ranges work.</summary>
    private static bool IsView(StreamLayout layout, ByteRange range) => range.Start == 0 && range.Length >= layout.StartOf(1);

    private static async Task<IResult> SendAsync(HttpContext context, PlaybackSession session, ChunkSink sink, ILoggerFactory loggers, CancellationToken ct)
    {
        try
        {
            await session.PlayAsync(sink, ct);
            if (session.WasStopped)
            {
                context.Abort(); // what its reader has is not what it asked for
            }
        }
        catch (ChunkUnavailableException exception)
        {
            Log.Ended(loggers.CreateLogger(typeof(StreamRoute)), session.VideoId, exception.Message);
            if (!context.Response.HasStarted)
            {
                context.Response.Clear();
                return new DetailResult(StatusCodes.Status503ServiceUnavailable, "No node has the video's first chunk", PlaybackRefusals.RetryAfterSeconds);
            }

            context.Abort();
        }
        catch (Exception exception) when (exception is OperationCanceledException or IOException && ct.IsCancellationRequested)
        {
            // The viewer is gone.
        }

        return Results.Empty;
    }

    private static void Describe(HttpResponse response, StreamLayout layout)
    {
        response.Headers.CacheControl = "no-store";
        response.Headers.AcceptRanges = "bytes";
        response.Headers.ETag = layout.ETag;
    }

    private static void WriteLength(HttpResponse response, ByteRange range, long length)
    {
        response.ContentType = "video/mp4";
        response.ContentLength = range.Length;
        if (range.Kind == RangeKind.Part)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {range.Start}-{range.Start + range.Length - 1}/{length}");
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The stream of video {VideoId} ended early: {Reason}")]
        public static partial void Ended(ILogger logger, Guid videoId, string reason);
    }
}
