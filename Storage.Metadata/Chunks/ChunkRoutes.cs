using System.Globalization;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Metadata.Http;
using Storage.Metadata.Nodes;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata.Chunks;

/// <summary>Commits and what became of them, and coded chunks put together.</summary>
internal static class ChunkRoutes
{
    private const int RetryAfterSeconds = 1;

    private static readonly string[] _reads = [HttpMethods.Get, HttpMethods.Head];

    public static void MapChunks(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/chunk/{chunkId}/commit", CommitAsync).AddEndpointFilter<NodeCredential>();
        routes.MapGet("/chunk/{chunkId}/fragments", FragmentsAsync);
        routes.MapGet("/consensus/{chunkId}", ConsensusAsync);
        routes.MapMethods("/chunk/{chunkId}", _reads, ReadAsync);
    }

    private static async Task<IResult> CommitAsync(string chunkId, HttpContext context, ChunkCommits commits, CancellationToken ct)
    {
        if (!ChunkNames.IsValid(chunkId))
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "Invalid chunk ID format");
        }

        var (fields, refusal) = await Fields.OfBodyAsync(context);
        if (fields is null)
        {
            return refusal!;
        }

        if (CommitRequest.Read(chunkId, fields) is not { } request)
        {
            return fields.Refusal;
        }

        var result = await commits.CommitAsync(request, ct);
        return result.Outcome switch
        {
            CommitOutcome.Committed => Answer(true, result.Nodes, $"Chunk {chunkId} committed to {result.Nodes.Count} nodes"),
            CommitOutcome.NotHeld => Answer(false, [], $"Failed to reach consensus for chunk {chunkId}: fewer than {request.Quorum} of its {request.NodeUrls.Count} nodes hold it with this checksum"),
            CommitOutcome.Lost => Answer(false, [], $"Consensus conflict: chunk {chunkId} is committed with other content", StatusCodes.Status409Conflict),
            CommitOutcome.Undecided => new DetailResult(StatusCodes.Status503ServiceUnavailable, $"Too few acceptors of chunk {chunkId} answer; commit it again", RetryAfterSeconds),
            _ => new DetailResult(StatusCodes.Status404NotFound, "Video not found"),
        };
    }

    private static async Task<IResult> FragmentsAsync(string chunkId, PlacementStore placements, NodeDirectory directory, CancellationToken ct)
    {
        var placement = ChunkNames.IsValid(chunkId) ? await placements.FindAsync(chunkId, ct) : null;
        var nodes = await directory.CurrentAsync(ct);
        return Results.Json(new FragmentsBody(chunkId, [.. (placement?.Fragments ?? []).Select(Body)]), ChunkJson.Default.FragmentsBody);

        FragmentBody Body(PlacedFragment fragment)
        {
            var nodeId = placement!.Nodes[fragment.Index];
            return new(
                fragment.Id, chunkId, fragment.Index, nodes.ById(nodeId)?.Url ?? "", fragment.SizeBytes, Checksum.InJson(fragment.Checksum),
                nodes.StateOf(nodeId) == NodeState.Down ? "missing" : "active", placement.MovedAt);
        }
    }

    private static async Task<IResult> ConsensusAsync(string chunkId, ConsensusStates states, CancellationToken ct) =>
        ChunkNames.IsValid(chunkId) && await states.OfAsync(chunkId, ct) is { } state
            ? Results.Json(state, ChunkJson.Default.ConsensusBody)
            : new DetailResult(StatusCodes.Status404NotFound, "Consensus state not found");

    /// <summary>The chunk as a node answers it, put together from fragments where it is coded.</summary>
    private static async Task<IResult> ReadAsync(string chunkId, HttpContext context, PlacementStore placements, ChunkReads reads, CancellationToken ct)
    {
        if (!ChunkNames.IsValid(chunkId) || await placements.FindAsync(chunkId, ct) is not { } placement)
        {
            return new DetailResult(StatusCodes.Status404NotFound, "Chunk not found");
        }

        var response = context.Response;
        byte[]? bytes;
        try
        {
            bytes = HttpMethods.IsHead(context.Request.Method) ? null : await reads.ReadAsync(placement, lost: null, ct);
        }
        catch (ChunkUnavailableException)
        {
            return new DetailResult(StatusCodes.Status503ServiceUnavailable, "Too few nodes that hold the chunk answer", RetryAfterSeconds);
        }

        response.Headers.ETag = placement.Checksum;
        response.Headers["X-Chunk-Size"] = placement.SizeBytes.ToString(CultureInfo.InvariantCulture);
        response.ContentType = "application/octet-stream";
        response.ContentLength = placement.SizeBytes;
        if (bytes is not null)
        {
            await response.BodyWriter.WriteAsync(bytes, ct);
        }

        return Results.Empty;
    }

    private static IResult Answer(bool success, IReadOnlyList<string> nodes, string message, int status = StatusCodes.Status200OK) =>
        Results.Json(new CommitBody(success, nodes, message, status == StatusCodes.Status200OK ? null : message), ChunkJson.Default.CommitBody, statusCode: status);
}
