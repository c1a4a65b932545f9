using System.Collections.Concurrent;
using Storage.Fabric.Chunks;

namespace Smart.Client.Network;

/// <summary>The nodes that are watched, at most <see cref="Most"/>: a manifest that names more is played all the same, its further nodes without a record.</summary>
public sealed class NodeRegistry(TimeProvider time)
{
    public const int Most = 64;

    /// <summary>A node that nothing names for so long is watched no more.</summary>
    private static readonly TimeSpan _forgetAfter = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<string, NodeRecord> _nodes = new(StringComparer.Ordinal);
    private readonly Lock _adding = new();

    public IReadOnlyList<NodeReading> Readings => [.. _nodes.Values.Select(node => node.Read()).OrderBy(node => node.NodeUrl, StringComparer.Ordinal)];

    public ICollection<NodeRecord> Nodes => _nodes.Values;

    /// <summary>True where at least one of them was not watched before.</summary>
    public bool Watch(IEnumerable<string> nodeUrls)
    {
        var found = false;
        lock (_adding)
        {
            foreach (var url in nodeUrls.Where(NodeUrl.IsAllowed))
            {
                if (_nodes.TryGetValue(url, out var known))
                {
                    known.Named();
                }
                else if (_nodes.Count < Most)
                {
                    _nodes[url] = new(url, time);
                    found = true;
                }
            }
        }

        return found;
    }

    public void Forget()
    {
        foreach (var node in _nodes.Values.Where(node => node.IsForgettable(_forgetAfter)))
        {
            _nodes.TryRemove(node.NodeUrl, out _);
        }
    }

    public NodeRecord? Find(string nodeUrl) => _nodes.GetValueOrDefault(nodeUrl);

    /// <summary>
    /// The order to ask in: healthy nodes, then those nothing is known of, then the others, each by its score for selection; the manifest's order
    /// among equals, so that the first chunk need not wait for a ping.
    /// </summary>
    public IReadOnlyList<string> BestFirst(IEnumerable<string> nodeUrls) =>
    [
        .. nodeUrls.Where(NodeUrl.IsAllowed)
            .Distinct(StringComparer.Ordinal)
            .Select(url => (Url: url, Reading: Find(url)?.Read()))
            .OrderBy(node => node.Reading switch { { IsHealthy: true } => 0, null or { WasPinged: false } => 1, _ => 2 })
            .ThenByDescending(node => node.Reading?.SelectionScore ?? 0)
            .Select(node => node.Url),
    ];

    public void Record(TransferSample sample) => Find(sample.NodeUrl)?.Transferred(sample.Duration, sample.Bytes, sample.Succeeded);
}
