namespace Storage.Fabric.Consensus;

/// <summary>
/// One acceptor for all chunks of a node. Calls for one chunk are taken one after the other; nothing is answered before it is
/// durable. A node that has lost its disk is another acceptor: a group names whose promises it means (<see cref="AcceptorRequest.Acceptor"/>).
/// </summary>
public sealed class Acceptor(IAcceptorLog log)
{
    /// <summary>Chunks that share a lock wait for each other's fsync: many, so that a batch shares one.</summary>
    private const int Stripes = 1024;

    private readonly SemaphoreSlim[] _stripes = [.. Enumerable.Range(0, Stripes).Select(_ => new SemaphoreSlim(1))];

    /// <summary>Grants only a ballot above every promise: not even the same one twice, so that two proposers that drew the same ballot cannot both have a majority.</summary>
    public Task<PrepareReply> PrepareAsync(string chunkId, long ballot, CancellationToken ct) => LockedAsync(chunkId, async () =>
    {
        var state = await log.ReadAsync(chunkId, ct);
        if (ballot <= state.Promised)
        {
            return new PrepareReply(false, state.Promised, 0, null);
        }

        await WriteAsync(chunkId, state with { Promised = ballot });
        return new(true, ballot, state.AcceptedBallot, state.AcceptedValue);
    }, ct);

    /// <summary>Grants a ballot that is not below the promise; the same accept once more is granted again, another value in its ballot never.</summary>
    public Task<AcceptReply> AcceptAsync(string chunkId, long ballot, string value, CancellationToken ct) => LockedAsync(chunkId, async () =>
    {
        var state = await log.ReadAsync(chunkId, ct);
        if (ballot < Proposer.FirstBallot || ballot < state.Promised || (ballot == state.AcceptedBallot && value != state.AcceptedValue))
        {
            return new AcceptReply(false, state.Promised);
        }

        if (ballot > state.AcceptedBallot)
        {
            await WriteAsync(chunkId, new(ballot, ballot, value));
        }

        return new(true, ballot);
    }, ct);

    public ValueTask<AcceptorState> StateAsync(string chunkId, CancellationToken ct) => log.ReadAsync(chunkId, ct);

    /// <summary>Begun, it is seen through: a caller that hangs up must not let the next one in while it is unknown what the log will hold.</summary>
    private Task WriteAsync(string chunkId, AcceptorState state) => log.WriteAsync(chunkId, state, CancellationToken.None);

    private async Task<T> LockedAsync<T>(string chunkId, Func<Task<T>> action, CancellationToken ct)
    {
        var stripe = _stripes[(uint)string.GetHashCode(chunkId, StringComparison.Ordinal) % Stripes];
        await stripe.WaitAsync(ct);
        try
        {
            return await action();
        }
        finally
        {
            stripe.Release();
        }
    }
}
