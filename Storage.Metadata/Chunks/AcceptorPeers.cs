using System.Collections.Concurrent;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>The acceptors by their node's id: one queue each, for the life of the service.</summary>
internal sealed class AcceptorPeers(NodeDirectory directory, NodeClient client) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<HttpAcceptorPeer>> _peers = new(StringComparer.Ordinal);

    public HttpAcceptorPeer Of(string nodeId) => _peers.GetOrAdd(nodeId, static (id, of) => new(() => new(id, of.directory, of.client)), (directory, client)).Value;

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers.Values.Where(peer => peer.IsValueCreated))
        {
            await peer.Value.DisposeAsync();
        }
    }
}
