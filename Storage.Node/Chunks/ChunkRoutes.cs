using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Storage.Node.Log;
using VideoPlatform.ServiceDefaults;

namespace Storage.Node.Chunks;

/// <summary>Seed 002's chunk operations.</summary>
public static class ChunkRoutes
{
    /// <summary>All of the path, so that an id with a slash is a bad id and not a missing route.</summary>
    private const string Route = "/chunk/{**id}";

    /// <summary>Below it, a body or its reader is cut off: each holds one of few buffers.</summary>
    private static readonly MinDataRate _slowest = new(bytesPerSecond: 8 << 10, gracePeriod: TimeSpan.FromSeconds(10));

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Route, static (string? id, HttpContext context, ChunkReading reading) => reading.GetAsync(id ?? "", context, context.RequestAborted));
        routes.MapMethods(Route, [HttpMethods.Head], static (string? id, HttpContext context, ChunkReading reading) => reading.Head(id ?? "", context.Response));
        routes.MapPut(Route, static (string? id, HttpContext context, ChunkStoring storing) => storing.PutAsync(id ?? "", context, context.RequestAborted))
            .AddEndpointFilter<NodeCredential>();
        routes.MapDelete(Route, static (string? id, HttpContext context, ChunkStoring storing) => storing.DeleteAsync(id ?? "", context.RequestAborted))
            .AddEndpointFilter<NodeCredential>();
    }

    internal static DetailResult NotFound() => new(StatusCodes.Status404NotFound, "Chunk not found");

    internal static DetailResult Busy(NodeMetrics metrics)
    {
        metrics.Refused();
        return new(StatusCodes.Status503ServiceUnavailable, "The node is busy. Try again, or another node.", retryAfterSeconds: 1);
    }

    internal static void Describe(HttpResponse response, Entry entry)
    {
        response.Headers.ETag = entry.ChecksumHex; // bare: seed 002's clients compare it as it is
        response.Headers["X-Chunk-Size"] = entry.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
    }

    internal static void RequireProgress(HttpContext context)
    {
        if (context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } request)
        {
            request.MinDataRate = _slowest;
        }

        if (context.Features.Get<IHttpMinResponseDataRateFeature>() is { } response)
        {
            response.MinDataRate = _slowest;
        }
    }
}
