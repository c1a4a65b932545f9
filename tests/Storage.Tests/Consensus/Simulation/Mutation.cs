using Storage.Fabric.Consensus;

namespace Storage.Tests.Consensus.Simulation;

/// <summary>The protocol with one rule broken, to show that the checker sees it.</summary>
public enum Mutation
{
    None,

    /// <summary>Answered before it is on the disk.</summary>
    PromiseIsNotDurable,

    AcceptsBelowThePromise,

    /// <summary>The promise does not tell what was accepted.</summary>
    HidesWhatIsAccepted,

    /// <summary>The promise tells what was accepted in an order that is the reverse.</summary>
    MisstatesTheAcceptedBallot,

    /// <summary>Two calls for one chunk at the same time.</summary>
    TakesTwoCallsAtOnce,

    /// <summary>The acceptors are the nodes that the request names, or that are there now, as in the original.</summary>
    GroupOfTheRequest,
}

internal static class Mutations
{
    public static bool BreaksAcceptor(this Mutation mutation) =>
        mutation is Mutation.AcceptsBelowThePromise or Mutation.HidesWhatIsAccepted or Mutation.MisstatesTheAcceptedBallot or Mutation.TakesTwoCallsAtOnce;
}

/// <summary>The acceptor as it is, but for the one rule.</summary>
/// <param name="turns">One, or as many as there are calls.</param>
internal sealed class BrokenAcceptor(IAcceptorLog log, SemaphoreSlim turns, Mutation mutation)
{
    public async Task<PrepareReply> PrepareAsync(long ballot)
    {
        await turns.WaitAsync();
        try
        {
            var state = await log.ReadAsync(Schedule.ChunkId, CancellationToken.None);
            if (ballot <= state.Promised)
            {
                return new(false, state.Promised, 0, null);
            }

            await log.WriteAsync(Schedule.ChunkId, state with { Promised = ballot }, CancellationToken.None);
            return mutation switch
            {
                Mutation.HidesWhatIsAccepted => new(true, ballot, 0, null),
                Mutation.MisstatesTheAcceptedBallot => new(true, ballot, long.MaxValue - state.AcceptedBallot, state.AcceptedValue),
                _ => new(true, ballot, state.AcceptedBallot, state.AcceptedValue),
            };
        }
        finally
        {
            turns.Release();
        }
    }

    public async Task<AcceptReply> AcceptAsync(long ballot, string value)
    {
        await turns.WaitAsync();
        try
        {
            var state = await log.ReadAsync(Schedule.ChunkId, CancellationToken.None);
            var isBelow = ballot < state.Promised && mutation != Mutation.AcceptsBelowThePromise;
            if (isBelow || (ballot == state.AcceptedBallot && value != state.AcceptedValue))
            {
                return new(false, state.Promised);
            }

            if (ballot > state.AcceptedBallot)
            {
                await log.WriteAsync(Schedule.ChunkId, new(Math.Max(ballot, state.Promised), ballot, value), CancellationToken.None);
            }

            return new(true, ballot);
        }
        finally
        {
            turns.Release();
        }
    }
}
