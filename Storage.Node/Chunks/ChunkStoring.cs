using System.Security.Cryptography;
using Microsoft.AspNetCore.Http.Features;
using Storage.Fabric;
using Storage.Node.Log;
using Storage.Node.Log.Files;
using VideoPlatform.ServiceDefaults;

namespace Storage.Node.Chunks;

/// <summary>Buffers of PUTs; their number bounds them.</summary>
public sealed class WriteBuffers(int most)
{
    public ChunkBuffers Pool { get; } = new(most);
}

/// <summary>
/// PUT and DELETE. The order of a PUT's checks is the seed's: the id (400), whether it is there (200), a length (400), not too
/// much of it (413), the checksum (400), the disk (507). A stored chunk is never replaced, unless it is corrupt.
/// </summary>
public sealed partial class ChunkStoring(NodeStore store, WriteBuffers buffers, NodeMetrics metrics, ILogger<ChunkStoring> logger)
{
    /// <summary>Above it nothing more is taken.</summary>
    public const double MostDiskPercent = 95;

    public async Task<IResult> PutAsync(string id, HttpContext context, CancellationToken ct)
    {
        context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null; // looked at here
        if (!ChunkNames.IsValid(id))
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "Invalid chunk ID format");
        }

        var expected = ExpectedOf(context.Request);
        if (store.Log.Find(id) is { IsCorrupt: false } there)
        {
            return Existing(id, there, expected, context.Response);
        }

        if (context.Request.ContentLength is not (> 0 and var length))
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "Chunk data is empty or its Content-Length is missing");
        }

        if (length > ChunkLimits.MostBytes)
        {
            return new DetailResult(StatusCodes.Status413PayloadTooLarge, "Chunk exceeds the 2MB limit");
        }

        if (!buffers.Pool.TryRent(out var buffer))
        {
            return ChunkRoutes.Busy(metrics);
        }

        using (buffer)
        {
            ChunkRoutes.RequireProgress(context);
            await context.Request.Body.ReadExactlyAsync(buffer.Payload((int)length), ct);
            return await StoreAsync(id, buffer.Frame((int)length), buffer.Payload((int)length), expected, context.Response);
        }
    }

    public async Task<IResult> DeleteAsync(string id, CancellationToken ct)
    {
        try
        {
            return ChunkNames.IsValid(id) && await store.Log.DeleteAsync(id, ct) ? Results.NoContent() : ChunkRoutes.NotFound();
        }
        catch (IOException exception)
        {
            return Refused(id, exception);
        }
    }

    private async Task<IResult> StoreAsync(string id, Memory<byte> frame, ReadOnlyMemory<byte> bytes, string? expected, HttpResponse response)
    {
        var sha256 = SHA256.HashData(bytes.Span);
        if (expected is not null && !(Checksum.TryParse(expected, out var hex) && hex == Convert.ToHexStringLower(sha256)))
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "Checksum mismatch");
        }

        if (store.Log.UsedPercent() > MostDiskPercent)
        {
            return new DetailResult(StatusCodes.Status507InsufficientStorage, "Disk usage is above 95%");
        }

        try
        {
            // Not the request's token: the writer reads the buffer, whoever has gone.
            var isNew = await store.Log.PutAsync(id, frame, sha256, CancellationToken.None);
            if (store.Log.Find(id) is not { } entry)
            {
                return ChunkRoutes.NotFound(); // deleted by another in the same moment
            }

            if (!isNew)
            {
                return Existing(id, entry, expected, response);
            }

            Describe(id, entry, response);
            return Results.StatusCode(StatusCodes.Status201Created);
        }
        catch (IOException exception)
        {
            return Refused(id, exception);
        }
    }

    /// <summary>What is there stays. Who says that it should be something else hears that it is not.</summary>
    private static IResult Existing(string id, Entry there, string? expected, HttpResponse response)
    {
        if (Checksum.TryParse(expected, out var hex) && hex != there.ChecksumHex)
        {
            return new DetailResult(StatusCodes.Status409Conflict, "Chunk exists with another checksum");
        }

        Describe(id, there, response);
        return Results.StatusCode(StatusCodes.Status200OK);
    }

    private static void Describe(string id, Entry entry, HttpResponse response)
    {
        response.Headers.Location = "/chunk/" + id;
        ChunkRoutes.Describe(response, entry);
    }

    private static string? ExpectedOf(HttpRequest request) =>
        request.Headers["X-Chunk-Checksum"].ToString() is { Length: > 0 } chunk ? chunk : request.Headers["X-Checksum"].ToString() is { Length: > 0 } plain ? plain : null;

    private DetailResult Refused(string id, IOException exception)
    {
        Log.NotDurable(logger, id, exception.Message);
        return exception is DiskFullException
            ? new(StatusCodes.Status507InsufficientStorage, "Disk full")
            : new(StatusCodes.Status500InternalServerError, "Storage error");
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "{ChunkId} could not be made durable: {Reason}")]
        public static partial void NotDurable(ILogger logger, string chunkId, string reason);
    }
}
