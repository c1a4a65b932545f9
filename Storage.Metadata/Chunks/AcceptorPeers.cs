using System.Collections.Concurrent;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>The acceptors by their name: one queue each, for the life of the service.</summary>
internal sealed class AcceptorPeers(NodeDirectory directory, NodeClient client) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<HttpAcceptorPeer>> _peers = new(StringComparer.Ordinal);

    /// <param name="name">An <see cref="AcceptorName"/>; a node's id alone means whoever answers there.</param>
    public HttpAcceptorPeer Of(string name) => _peers.GetOrAdd(name, static (id, of) => new(() => new(id, of.directory, of.client)), (directory, client)).Value;

    public async ValueTask DisposeAsync()
    {
        foreach (var peer in _peers.Values.Where(peer => peer.IsValueCreated))
        {
            await peer.Value.DisposeAsync();
        }
    }
}
