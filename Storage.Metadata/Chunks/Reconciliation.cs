namespace Storage.Metadata.Chunks;

/// <summary>
/// Finds decisions whose record a crash has lost: a value that any acceptor holds is proposed again, so that it is chosen if it was not, and
/// recorded. Acceptors that hold none have decided nothing that anybody was told of.
/// </summary>
internal sealed partial class Reconciliation(DecisionStore decisions, ChunkCommits commits, AcceptorPeers peers, TimeProvider time, ILogger<Reconciliation> logger)
{
    private const int MostPerPass = 64;

    private static readonly TimeSpan _stateWithin = TimeSpan.FromSeconds(3);

    public async Task PassAsync(CancellationToken ct)
    {
        foreach (var (chunkId, acceptors) in await decisions.TakeUnrecordedAsync(MostPerPass, ct))
        {
            if (await AcceptedAsync(chunkId, acceptors, ct) is { } accepted && await commits.DecideAsync(accepted, acceptors, isFirst: false, ct) is var (chosen, ballot))
            {
                await decisions.RecordAsync(chosen, ballot, ct);
                Log.Recorded(logger, chunkId, ballot);
            }
        }
    }

    private async Task<ChunkDecision?> AcceptedAsync(string chunkId, IReadOnlyList<string> acceptors, CancellationToken ct)
    {
        var highest = (await StatesAsync(chunkId, acceptors, ct)).MaxBy(state => state.AcceptedBallot);
        return highest?.AcceptedValue is { } value && ChunkDecision.TryParse(value, out var decision) ? decision : null;
    }

    /// <summary>Of those acceptors that answer.</summary>
    public async Task<IReadOnlyList<Fabric.Consensus.AcceptorState>> StatesAsync(string chunkId, IReadOnlyList<string> acceptors, CancellationToken ct)
    {
        using CancellationTokenSource deadline = new(_stateWithin, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        var states = await Task.WhenAll(acceptors.Select(async acceptor =>
        {
            try
            {
                return await peers.Of(acceptor).StateAsync(chunkId, both.Token);
            }
            catch (Exception exception) when (Nodes.NodeClient.IsFailure(exception, ct))
            {
                return null;
            }
        }));
        return [.. states.OfType<Fabric.Consensus.AcceptorState>()];
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Recorded what the acceptors of chunk {ChunkId} had chosen (ballot {Ballot})")]
        public static partial void Recorded(ILogger logger, string chunkId, long ballot);
    }
}
