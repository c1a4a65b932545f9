using Storage.Fabric.Consensus;
using Storage.Node.Log;

namespace Storage.Node.Consensus;

/// <summary>The acceptor's memory in the node's log: its writes share the fsyncs of all others.</summary>
public sealed class AcceptorLog(ChunkLog log) : IAcceptorLog
{
    /// <exception cref="InvalidDataException">The newest state may be lost: the acceptor must not answer.</exception>
    public ValueTask<AcceptorState> ReadAsync(string chunkId, CancellationToken ct) => ValueTask.FromResult(log.AcceptorStateOf(chunkId));

    public Task WriteAsync(string chunkId, AcceptorState state, CancellationToken ct) => log.WriteAcceptorStateAsync(chunkId, state, ct);
}
