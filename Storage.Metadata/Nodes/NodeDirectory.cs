using System.Collections.Frozen;
using Microsoft.Extensions.Options;

namespace Storage.Metadata.Nodes;

/// <summary>The nodes as they were a moment ago, by id and by address.</summary>
internal sealed class NodeSet(IReadOnlyList<StorageNode> nodes, MetadataOptions options)
{
    private readonly FrozenDictionary<string, StorageNode> _byId = nodes.ToFrozenDictionary(node => node.Id, StringComparer.Ordinal);
    private readonly FrozenDictionary<string, StorageNode> _byUrl = nodes.Where(node => node.Url is not null).ToFrozenDictionary(node => node.Url!, StringComparer.OrdinalIgnoreCase);

    public IReadOnlyList<StorageNode> All => nodes;

    /// <summary>Neither degraded nor down.</summary>
    public IEnumerable<StorageNode> Healthy => nodes.Where(node => node.StateBy(options) == NodeState.Healthy);

    public StorageNode? ById(string id) => _byId.GetValueOrDefault(id);

    public StorageNode? ByUrl(string url) => _byUrl.GetValueOrDefault(url);

    public string StateOf(string id) => ById(id)?.StateBy(options) ?? NodeState.Down;

    /// <summary>The addresses of those nodes, the living first.</summary>
    public IReadOnlyList<string> UrlsOf(IEnumerable<string> ids) =>
        [.. ids.Select(ById).OfType<StorageNode>().Where(node => node.Url is not null).OrderBy(node => Rank(node.StateBy(options))).Select(node => node.Url!)];

    private static int Rank(string state) => state switch { NodeState.Healthy => 0, NodeState.Degraded => 1, _ => 2 };
}

/// <summary>Keeps the nodes in memory for a second: every commit and manifest needs them, and they change slowly.</summary>
internal sealed class NodeDirectory(NodeRegistry registry, IOptions<MetadataOptions> options, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan _fresh = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _reading = new(1);
    private volatile Snapshot? _snapshot;

    public async ValueTask<NodeSet> CurrentAsync(CancellationToken ct)
    {
        if (_snapshot is { } known && time.GetElapsedTime(known.At) < _fresh)
        {
            return known.Nodes;
        }

        await _reading.WaitAsync(ct);
        try
        {
            if (_snapshot is { } read && time.GetElapsedTime(read.At) < _fresh)
            {
                return read.Nodes;
            }

            var at = time.GetTimestamp();
            Snapshot next = new(new(await registry.ListAsync(ct), options.Value), at);
            _snapshot = next;
            return next.Nodes;
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>What was read is not true any more.</summary>
    public void Forget() => _snapshot = null;

    public void Dispose() => _reading.Dispose();

    private sealed record Snapshot(NodeSet Nodes, long At);
}
