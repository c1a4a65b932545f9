using System.Globalization;
using Storage.Fabric;
using Storage.Node.Log;
using VideoPlatform.ServiceDefaults;

namespace Storage.Node.Chunks;

/// <summary>Buffers of GETs; their number bounds them. Others than the PUTs': readers keep nobody from writing.</summary>
public sealed class ReadBuffers(int most)
{
    public ChunkBuffers Pool { get; } = new(most);
}

/// <summary>GET and HEAD. Every GET reads the whole chunk into memory and verifies it before the first byte leaves.</summary>
public sealed partial class ChunkReading(NodeStore store, ReadBuffers buffers, NodeMetrics metrics, TimeProvider time, ILogger<ChunkReading> logger)
{
    private static readonly TimeSpan _slow = TimeSpan.FromMilliseconds(10);

    /// <summary>A corrupt chunk is none: whoever asks whether it is here should store it again.</summary>
    public IResult Head(string id, HttpResponse response)
    {
        if (!ChunkNames.IsValid(id) || store.Log.Find(id) is not { IsCorrupt: false } entry)
        {
            return ChunkRoutes.NotFound();
        }

        Describe(response, entry);
        response.ContentLength = entry.Length;
        return Results.Empty;
    }

    public async Task<IResult> GetAsync(string id, HttpContext context, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        if (!ChunkNames.IsValid(id) || store.Log.Find(id) is not { } found)
        {
            return ChunkRoutes.NotFound();
        }

        if (!found.IsCorrupt && IsKnown(context.Request, found))
        {
            Describe(context.Response, found);
            return Results.StatusCode(StatusCodes.Status304NotModified);
        }

        if (!buffers.Pool.TryRent(out var buffer))
        {
            return ChunkRoutes.Busy(metrics);
        }

        using (buffer)
        {
            var bytes = buffer.Payload(ChunkLimits.MostBytes);
            if (Read(id, bytes.Span, out var refusal) is not { } entry)
            {
                return refusal;
            }

            Took(id, time.GetElapsedTime(started));
            ChunkRoutes.RequireProgress(context);
            return await SendAsync(context, entry, bytes[..entry.Length], ct);
        }
    }

    private Entry? Read(string id, Span<byte> into, out IResult refusal)
    {
        refusal = ChunkRoutes.NotFound();
        try
        {
            return store.Log.Read(id, into);
        }
        catch (InvalidDataException exception)
        {
            Log.Corrupt(logger, exception.Message);
            refusal = new DetailResult(StatusCodes.Status500InternalServerError, "Chunk corruption detected");
        }
        catch (IOException exception)
        {
            Log.Unreadable(logger, id, exception.Message);
            refusal = new DetailResult(StatusCodes.Status500InternalServerError, "Storage error");
        }

        return null;
    }

    private static async Task<IResult> SendAsync(HttpContext context, Entry entry, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        var response = context.Response;
        var part = ChunkRange.Of(context.Request, entry.ChecksumHex, entry.Length);
        if (part.IsUnsatisfiable)
        {
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes */{entry.Length}");
            return new DetailResult(StatusCodes.Status416RangeNotSatisfiable, "The range lies outside of the chunk");
        }

        Describe(response, entry);
        if (part.IsPart)
        {
            response.StatusCode = StatusCodes.Status206PartialContent;
            response.Headers.ContentRange = string.Create(CultureInfo.InvariantCulture, $"bytes {part.Start}-{part.Start + part.Length - 1}/{entry.Length}");
        }

        response.ContentLength = part.Length;
        await response.Body.WriteAsync(bytes.Slice(part.Start, part.Length), ct);
        return Results.Empty;
    }

    private static void Describe(HttpResponse response, Entry entry)
    {
        ChunkRoutes.Describe(response, entry);
        response.ContentType = "application/octet-stream";
        response.Headers.AcceptRanges = "bytes";
        response.Headers["X-Superblock-ID"] = entry.Superblock.Number.ToString(CultureInfo.InvariantCulture);
    }

    /// <summary>If-None-Match, with the quotes of the standard or without them as we send it.</summary>
    private static bool IsKnown(HttpRequest request, Entry entry) => request.Headers.IfNoneMatch.ToString() is { Length: > 0 } tags &&
        tags.Split(',', StringSplitOptions.TrimEntries).Any(tag => tag == "*" || tag.AsSpan(tag.StartsWith("W/", StringComparison.Ordinal) ? 2 : 0).Trim('"').SequenceEqual(entry.ChecksumHex));

    private void Took(string id, TimeSpan took)
    {
        metrics.Read(took);
        if (took > _slow)
        {
            Log.Slow(logger, id, took.TotalMilliseconds);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "GET of {ChunkId} took {Milliseconds:0.0} ms to read and verify; the target is 10 ms")]
        public static partial void Slow(ILogger logger, string chunkId, double milliseconds);

        [LoggerMessage(Level = LogLevel.Error, Message = "{Reason} Store the chunk again to heal it")]
        public static partial void Corrupt(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "{ChunkId} cannot be read: {Reason}")]
        public static partial void Unreadable(ILogger logger, string chunkId, string reason);
    }
}
