using Storage.Fabric.Consensus;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>What is asked of one node, whichever of its acceptors is meant. Messages of all commits under way share POSTs, and so the node's fsync.</summary>
internal sealed class NodeMessages : IAsyncDisposable
{
    /// <summary>The weight is the characters of values: a node reads a body of 1 MiB.</summary>
    private static readonly GatheringBounds _posts = new(Places: 2, AcceptorBatch.Most, MostWeight: 256 << 10);

    private readonly string _nodeId;
    private readonly NodeDirectory _directory;
    private readonly NodeClient _client;
    private readonly Gathering<AcceptorRequest, AcceptorAnswer> _messages;

    public NodeMessages(string nodeId, NodeDirectory directory, NodeClient client)
    {
        (_nodeId, _directory, _client) = (nodeId, directory, client);
        _messages = new(_posts, SendAsync, weightOf: request => request.Value?.Length ?? 0);
    }

    /// <exception cref="IOException">The node did not answer; what it has done is not known.</exception>
    public Task<AcceptorAnswer> AskAsync(AcceptorRequest request, CancellationToken ct) => _messages.DoAsync(request, ct);

    /// <summary>No consensus: whether the node has the object, sound and with that checksum.</summary>
    public async Task<bool> HoldsAsync(string objectId, string checksum, CancellationToken ct) => (await AskAsync(new(AcceptorRequest.Holds, objectId, Checksum: checksum), ct)).Granted;

    public ValueTask DisposeAsync() => _messages.DisposeAsync();

    private async Task<IReadOnlyList<AcceptorAnswer>> SendAsync(IReadOnlyList<AcceptorRequest> requests, CancellationToken ct)
    {
        try
        {
            var url = (await _directory.CurrentAsync(ct)).ById(_nodeId)?.Url ?? throw new IOException("it has no address");
            return (await _client.ConsensusAsync(url, new(requests), ct) ?? throw new IOException("it has no acceptor")).Answers;
        }
        catch (Exception exception)
        {
            throw new IOException($"Node {_nodeId} did not answer: {exception.Message}", exception);
        }
    }
}
