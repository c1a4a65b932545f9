using System.Globalization;
using Lifecycle.Contracts;
using Microsoft.Extensions.Primitives;
using Streaming.Api.Segments;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Api.Delivery;

/// <summary>How long an answer may be kept, by whom.</summary>
public static class Caching
{
    /// <summary>An address that carries a version means the same bytes for ever.</summary>
    public static readonly StringValues Immutable = "public, max-age=31536000, immutable";

    /// <summary>Playlists and images follow a new version within seconds.</summary>
    public static readonly StringValues Short = "public, max-age=5";

    /// <summary>
    /// For the gateway only, which keeps no answer longer without asking again. With the longest time that a replica may miss a
    /// deletion (<see cref="StreamingOptions.RecheckSeconds"/> at most 15) it stays well under the promised 60 seconds.
    /// </summary>
    public static readonly StringValues GatewaySegmentSeconds = "30";

    public static readonly StringValues GatewayShortSeconds = "5";
}

/// <summary>Answers with a cached object's bytes: conditions, ranges, HEAD, and nothing made anew for each request that need not be.</summary>
public static class Answers
{
    private const int RetryAfterSeconds = 2;

    private static readonly StringValues _bytes = "bytes";

    /// <param name="context">The request.</param>
    /// <param name="wanted">What it names.</param>
    /// <param name="segments">Where the bytes are.</param>
    /// <param name="cacheControl">One of <see cref="Caching"/>.</param>
    /// <param name="gatewaySeconds">One of <see cref="Caching"/>.</param>
    /// <param name="metrics">Counts what is sent.</param>
    public static async Task SendAsync(HttpContext context, ServedObject wanted, SegmentCache segments, StringValues cacheControl, StringValues gatewaySeconds, StreamingMetrics metrics)
    {
        var etag = wanted.ETag.ToString();
        var status = Preconditions.Evaluate(context.Request.Headers, etag);
        if (status == StatusCodes.Status412PreconditionFailed)
        {
            await Problems.PreconditionFailed.ToResult().ExecuteAsync(context);
            return;
        }

        var range = Preconditions.Range(context.Request, etag, wanted.Bytes);
        if (status != StatusCodes.Status304NotModified && range.Kind == RangeKind.Unsatisfiable)
        {
            context.Response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{wanted.Bytes}");
            await Problems.RangeNotSatisfiable.ToResult().ExecuteAsync(context);
            return;
        }

        if (status == StatusCodes.Status304NotModified || range.Length == 0 || HttpMethods.IsHead(context.Request.Method))
        {
            WriteHead(context.Response, status, wanted, range, cacheControl, gatewaySeconds);
            return;
        }

        try
        {
            using var opened = segments.Open(wanted);
            if (opened.Fetch is { } fetch && await FirstFailureAsync(fetch, range.Start, context) is { } failure)
            {
                await failure.ExecuteAsync(context);
                return;
            }

            WriteHead(context.Response, status, wanted, range, cacheControl, gatewaySeconds);
            metrics.Sent(range.Length);
            await SegmentWriter.WriteAsync(context, opened, range.Start, range.Length);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The client is gone.
        }
    }

    private static void WriteHead(HttpResponse response, int status, ServedObject wanted, ByteRange range, StringValues cacheControl, StringValues gatewaySeconds)
    {
        var headers = response.Headers;
        headers.ETag = wanted.ETag;
        headers.CacheControl = cacheControl;
        headers["X-Accel-Expires"] = gatewaySeconds;
        headers.AcceptRanges = _bytes;
        response.StatusCode = status;
        if (status == StatusCodes.Status304NotModified)
        {
            return;
        }

        headers.ContentType = wanted.ContentType;
        response.ContentLength = range.Length;
        if (range.Kind == RangeKind.Part)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {range.Start}-{range.Start + range.Length - 1}/{wanted.Bytes}");
        }
    }

    /// <summary>Waits for the first byte, while the status can still tell what happened.</summary>
    private static async ValueTask<ProblemResult?> FirstFailureAsync(SegmentFetch fetch, long start, HttpContext context)
    {
        try
        {
            await fetch.AvailableAsync(start, context.RequestAborted);
            return null;
        }
        catch (FetchFailedException exception)
        {
            return exception.Failure == FetchFailure.Missing
                ? Problems.UnknownSegment.ToResult()
                : Problems.Unavailable.ToResult(retryAfterSeconds: RetryAfterSeconds);
        }
    }
}
