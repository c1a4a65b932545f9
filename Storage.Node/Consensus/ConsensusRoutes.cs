using System.Text.Json;
using Storage.Fabric;
using Storage.Fabric.Consensus;
using VideoPlatform.ServiceDefaults;

namespace Storage.Node.Consensus;

/// <summary><c>POST /consensus</c>: what the metadata service asks of this node's acceptor, many questions at a time.</summary>
public sealed partial class ConsensusRoutes(NodeStore store, ILogger<ConsensusRoutes> logger)
{
    /// <summary>Of an accepted value, in characters: a checksum, a size and a few addresses.</summary>
    private const int MostValue = 64 << 10;

    private const int RetryAfterSeconds = 1;

    public static void Map(IEndpointRouteBuilder routes) =>
        routes.MapPost("/consensus", static (HttpContext context, ConsensusRoutes consensus) => consensus.AnswerAsync(context, context.RequestAborted))
            .AddEndpointFilter<NodeCredential>();

    private async Task<IResult> AnswerAsync(HttpContext context, CancellationToken ct)
    {
        AcceptorBatch? batch;
        try
        {
            batch = await JsonSerializer.DeserializeAsync(context.Request.Body, ConsensusJson.Default.AcceptorBatch, ct);
        }
        catch (JsonException)
        {
            return Malformed("The body is no batch of acceptor requests.");
        }

        if (batch is not { Requests: { } requests })
        {
            return Malformed("requests is missing.");
        }

        if (requests.Count > AcceptorBatch.Most)
        {
            return new DetailResult(StatusCodes.Status413PayloadTooLarge, $"A batch has at most {AcceptorBatch.Most} requests.");
        }

        for (var index = 0; index < requests.Count; index++)
        {
            if (!IsValid(requests[index]))
            {
                return Malformed($"requests[{index}] is no prepare, accept, state or holds with what it needs.");
            }
        }

        try
        {
            // All at once: their writes meet in one batch of the log. None is given up with the request: what is begun must be known to have ended.
            return Results.Json(new AcceptorAnswers(await Task.WhenAll(requests.Select(AnswerAsync))), ConsensusJson.Default.AcceptorAnswers);
        }
        catch (IOException exception)
        {
            Log.NotDurable(logger, requests.Count, exception.Message);
            return new DetailResult(StatusCodes.Status503ServiceUnavailable, "The acceptor's log cannot be written.", RetryAfterSeconds);
        }
    }

    private async Task<AcceptorAnswer> AnswerAsync(AcceptorRequest request)
    {
        if (request.Kind == AcceptorRequest.Holds)
        {
            return new(store.Log.Find(request.ChunkId) is { IsCorrupt: false } entry && Checksum.TryParse(request.Checksum, out var hex) && hex == entry.ChecksumHex);
        }

        if (request.Acceptor is { } meant && meant != store.Identity.AcceptorId)
        {
            Log.Abstains(logger, request.ChunkId, "the promises that are meant were made on a folder that is not this one");
            return new(false);
        }

        try
        {
            switch (request.Kind)
            {
                case AcceptorRequest.Prepare:
                    var prepared = await store.Acceptor.PrepareAsync(request.ChunkId, request.Ballot, CancellationToken.None);
                    return new(prepared.Granted, prepared.Promised, prepared.AcceptedBallot, prepared.AcceptedValue);
                case AcceptorRequest.Accept:
                    var accepted = await store.Acceptor.AcceptAsync(request.ChunkId, request.Ballot, request.Value!, CancellationToken.None);
                    return new(accepted.Granted, accepted.Promised);
                default:
                    var state = await store.Acceptor.StateAsync(request.ChunkId, CancellationToken.None);
                    return new(true, state.Promised, state.AcceptedBallot, state.AcceptedValue);
            }
        }
        catch (InvalidDataException exception)
        {
            // An acceptor that has forgotten does not guess: for this chunk it counts as down, and the others decide.
            Log.Abstains(logger, request.ChunkId, exception.Message);
            return new(false);
        }
    }

    private static bool IsValid(AcceptorRequest? request) => request is { ChunkId: { } id } && ChunkNames.IsValid(id) && request.Kind switch
    {
        AcceptorRequest.Prepare => request.Ballot > 0,
        AcceptorRequest.Accept => request is { Ballot: > 0, Value.Length: > 0 and <= MostValue },
        AcceptorRequest.State => true,
        AcceptorRequest.Holds => Checksum.TryParse(request.Checksum, out _),
        _ => false,
    };

    private static DetailResult Malformed(string detail) => new(StatusCodes.Status400BadRequest, detail);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "A batch of {Requests} consensus messages could not be made durable: {Reason}")]
        public static partial void NotDurable(ILogger logger, int requests, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Abstains from consensus on {ChunkId}: {Reason}")]
        public static partial void Abstains(ILogger logger, string chunkId, string reason);
    }
}
