using System.Text.Json;
using Storage.Fabric.Consensus;

namespace Storage.Metadata.Chunks;

/// <summary>Shows how far a chunk's consensus has come: the record, or what the acceptors say where there is none yet.</summary>
internal sealed class ConsensusStates(DecisionStore decisions, Reconciliation reconciliation)
{
    public async Task<ConsensusBody?> OfAsync(string chunkId, CancellationToken ct)
    {
        var known = await decisions.KnownAsync(chunkId, videoId: null, acceptors: null, ct);
        if (known.Acceptors is null)
        {
            return null;
        }

        if (known.Decision is { } decision)
        {
            return new(chunkId, known.Ballot, known.Ballot, UrlsOf(decision), "committed");
        }

        var states = await reconciliation.StatesAsync(chunkId, known.Acceptors, ct);
        var (promised, accepted) = (states.MaxBy(state => state.Promised) ?? AcceptorState.None, states.MaxBy(state => state.AcceptedBallot) ?? AcceptorState.None);
        var value = accepted.AcceptedValue is { } text && ChunkDecision.TryParse(text, out var proposed) ? UrlsOf(proposed) : null;
        return new(chunkId, promised.Promised, accepted.AcceptedBallot, value, accepted.AcceptedBallot > 0 ? "accept" : promised.Promised > 0 ? "prepare" : "none");
    }

    private static string UrlsOf(ChunkDecision decision) => JsonSerializer.Serialize(decision.Urls, DecisionJson.Default.IReadOnlyListString);
}
