using Storage.Fabric.Consensus;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>A node's acceptor over HTTP: the one that a chunk's group names, or, without an id, whoever answers there.</summary>
internal sealed class HttpAcceptorPeer(AcceptorName name, NodeMessages node) : IAcceptorPeer
{
    public string Name => name.ToString();

    public async Task<PrepareReply> PrepareAsync(string chunkId, long ballot, CancellationToken ct)
    {
        var answer = await node.AskAsync(new(AcceptorRequest.Prepare, chunkId, ballot, Acceptor: name.AcceptorId), ct);
        return new(answer.Granted, answer.Promised, answer.AcceptedBallot, answer.AcceptedValue);
    }

    public async Task<AcceptReply> AcceptAsync(string chunkId, long ballot, string value, CancellationToken ct)
    {
        var answer = await node.AskAsync(new(AcceptorRequest.Accept, chunkId, ballot, value, Acceptor: name.AcceptorId), ct);
        return new(answer.Granted, answer.Promised);
    }

    public async Task<AcceptorState> StateAsync(string chunkId, CancellationToken ct)
    {
        var answer = await node.AskAsync(new(AcceptorRequest.State, chunkId, Acceptor: name.AcceptorId), ct);
        return answer.Granted ? new(answer.Promised, answer.AcceptedBallot, answer.AcceptedValue) : throw new IOException($"Acceptor {Name} abstains.");
    }
}
