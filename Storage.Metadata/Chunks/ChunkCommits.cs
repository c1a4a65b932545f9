using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Storage.Fabric.Consensus;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

internal enum CommitOutcome
{
    Committed,

    /// <summary>Too few of the request's nodes have the chunk.</summary>
    NotHeld,

    /// <summary>Something else is decided of this chunk.</summary>
    Lost,

    /// <summary>Too few acceptors answered: nothing is known, and the same commit may be repeated.</summary>
    Undecided,

    VideoDeleted,
}

/// <param name="Nodes">As the request wrote them: those that hold it.</param>
internal sealed record CommitResult(CommitOutcome Outcome, IReadOnlyList<string> Nodes)
{
    public static CommitResult Of(CommitOutcome outcome) => new(outcome, []);
}

/// <summary>
/// Commits a chunk: who holds it, what its acceptors choose, the record of it. Each step may be the last before a crash. Before the
/// acceptors have chosen nothing has happened; after it the same commit, or <see cref="Reconciliation"/>, finds what they chose and records that.
/// </summary>
internal sealed partial class ChunkCommits(
    DecisionStore decisions, PlacementStore placements, ChunkHolders holders, AcceptorGroups groups, AcceptorPeers peers, NodeDirectory directory, FaultPoints faults, TimeProvider time,
    ILogger<ChunkCommits> logger)
{
    private static readonly TimeSpan _replyWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _decidedWithin = TimeSpan.FromSeconds(8);

    private readonly Proposer _proposer = new(time, Random.Shared, _replyWithin);

    public async Task<CommitResult> CommitAsync(CommitRequest request, CancellationToken ct)
    {
        var found = await holders.FindAsync(request, ct);
        var isHeld = found.Count >= request.Quorum;
        // The acceptors are fixed with the same look, but only for a chunk that is there: a commit that is refused changes nothing.
        var known = await decisions.KnownAsync(request.ChunkId, request.VideoId, isHeld ? await groups.ChooseAsync(request.ChunkId, ct) : null, ct);
        if (known.IsVideoDeleted)
        {
            return CommitResult.Of(CommitOutcome.VideoDeleted);
        }

        if (known.Decision is { } decided && !decided.IsSameContent(ChunkHolders.Decision(request, [])))
        {
            return CommitResult.Of(CommitOutcome.Lost);
        }

        if (known is { Decision: not null, IsPlaced: true })
        {
            // Committed already: that stays true, also where copies have moved or a node is away since.
            return new(CommitOutcome.Committed, found.Count > 0 ? [.. found.Select(holder => holder.Url)] : await PlacedAsync(request.ChunkId, ct));
        }

        if (!isHeld)
        {
            return CommitResult.Of(CommitOutcome.NotHeld);
        }

        var proposed = ChunkHolders.Decision(request, found);
        await faults.PassAsync(FaultPoint.ChunkGroupFixed, ct);
        return await DecideAsync(proposed, known.Acceptors!, known.IsMine, ct) is not ({ } chosen, var ballot)
            ? CommitResult.Of(CommitOutcome.Undecided)
            : await RecordAsync(proposed, chosen, ballot, found, ct);
    }

    /// <summary>Has the acceptors choose, if they have not: <paramref name="proposed"/> or what they chose before.</summary>
    /// <returns>Null: too few of them answered.</returns>
    public async Task<(ChunkDecision Chosen, long Ballot)?> DecideAsync(ChunkDecision proposed, IReadOnlyList<string> acceptors, bool isFirst, CancellationToken ct)
    {
        if (acceptors.Count == 0)
        {
            return (proposed, Proposer.FirstBallot); // whose record is inserted first has decided
        }

        using CancellationTokenSource deadline = new(_decidedWithin, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            var proposal = await _proposer.ProposeAsync(proposed.ChunkId, proposed.ToValue(), [.. acceptors.Select(peers.Of)], isFirst, both.Token);
            if (proposal.Outcome == ProposalOutcome.Chosen && ChunkDecision.TryParse(proposal.Value!, out var chosen))
            {
                return (chosen, proposal.Ballot);
            }
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            // As if the acceptors had not answered: they have not in time.
        }

        Log.Undecided(logger, proposed.ChunkId, string.Join(", ", acceptors));
        return null;
    }

    private async Task<CommitResult> RecordAsync(ChunkDecision proposed, ChunkDecision chosen, long ballot, IReadOnlyList<ChunkHolder> found, CancellationToken ct)
    {
        await faults.PassAsync(FaultPoint.ChunkChosen, ct);
        var (recorded, isVideoDeleted) = await decisions.RecordAsync(chosen, ballot, ct);
        await faults.PassAsync(FaultPoint.ChunkRecorded, ct);
        return isVideoDeleted ? CommitResult.Of(CommitOutcome.VideoDeleted)
            : recorded.IsSameContent(proposed) ? new(CommitOutcome.Committed, [.. found.Select(holder => holder.Url)])
            : CommitResult.Of(CommitOutcome.Lost);
    }

    private async Task<IReadOnlyList<string>> PlacedAsync(string chunkId, CancellationToken ct) =>
        await placements.FindAsync(chunkId, ct) is { } placement ? (await directory.CurrentAsync(ct)).UrlsOf(placement.Nodes) : [];

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Chunk {ChunkId} is undecided: too few of its acceptors ({Acceptors}) answer")]
        public static partial void Undecided(ILogger logger, string chunkId, string acceptors);
    }
}
