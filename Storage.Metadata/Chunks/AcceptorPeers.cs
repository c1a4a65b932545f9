using System.Collections.Concurrent;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>The nodes' acceptors by their name, over one queue a node for the life of the service: questions and consensus share its POSTs.</summary>
internal sealed class AcceptorPeers(NodeDirectory directory, NodeClient client) : IAsyncDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<NodeMessages>> _nodes = new(StringComparer.Ordinal);

    /// <param name="name">An <see cref="AcceptorName"/>; a node's id alone means whoever answers there.</param>
    public HttpAcceptorPeer Of(string name)
    {
        var acceptor = AcceptorName.Parse(name);
        return new(acceptor, To(acceptor.NodeId));
    }

    public NodeMessages To(string nodeId) => _nodes.GetOrAdd(nodeId, static (id, of) => new(() => new(id, of.directory, of.client)), (directory, client)).Value;

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes.Values.Where(node => node.IsValueCreated))
        {
            await node.Value.DisposeAsync();
        }
    }
}
