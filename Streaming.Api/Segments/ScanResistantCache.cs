using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace Streaming.Api.Segments;

/// <summary>
/// A cache bounded by weight that one pass over cold keys does not flush: S3-FIFO (Yang et al., SOSP 2023). New keys stand
/// in a small queue, a tenth of the whole; only those asked for again, or asked for again soon after they left, reach the
/// main queue. A hit takes no lock and moves nothing.
/// </summary>
/// <param name="capacity">The greatest sum of weights.</param>
/// <param name="gone">Told of each value that leaves, with true for one that gave way to others, false for a removed one.</param>
public sealed class ScanResistantCache<TValue>(long capacity, Action<string, TValue, bool> gone)
    where TValue : class
{
    private const int MaxHits = 3;
    private const int SmallShare = 10;

    /// <summary>Keys remembered after they left; at least this many.</summary>
    private const int MinGhosts = 256;

    private readonly ConcurrentDictionary<string, Node> _nodes = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private readonly Queue<Node> _small = new();
    private readonly Queue<Node> _main = new();
    private readonly Queue<string> _ghostOrder = new();
    private readonly HashSet<string> _ghosts = new(StringComparer.Ordinal);
    private long _weight;
    private long _smallWeight;

    public long Weight => Volatile.Read(ref _weight);

    public bool Contains(string key) => _nodes.ContainsKey(key);

    public bool TryGet(string key, [NotNullWhen(true)] out TValue? value)
    {
        if (_nodes.TryGetValue(key, out var node) && node.Value is { } held)
        {
            if (node.Hits < MaxHits)
            {
                node.Hits++; // a lost update costs nothing
            }

            value = held;
            return true;
        }

        value = null;
        return false;
    }

    /// <returns>False where the key is there already or weighs more than the cache holds.</returns>
    public bool TryAdd(string key, TValue value, long weight)
    {
        List<Node> leaving = [];
        lock (_gate)
        {
            Node node = new(key, weight, value);
            if (weight > capacity || !_nodes.TryAdd(key, node))
            {
                return false;
            }

            _weight += weight;
            if (_ghosts.Remove(key))
            {
                node.InMain = true;
                _main.Enqueue(node);
            }
            else
            {
                _smallWeight += weight;
                _small.Enqueue(node);
            }

            while (_weight > capacity)
            {
                EvictOne(leaving);
            }
        }

        foreach (var node in leaving)
        {
            Leave(node, gaveWay: true);
        }

        return true;
    }

    public bool Remove(string key)
    {
        Node? node;
        lock (_gate)
        {
            if (!_nodes.TryRemove(key, out node))
            {
                return false;
            }

            // Its place in the queue is skipped when it comes to the front.
            Discount(node);
        }

        Leave(node, gaveWay: false);
        return true;
    }

    private void EvictOne(List<Node> leaving)
    {
        if (_small.Count > 0 && (_smallWeight > capacity / SmallShare || _main.Count == 0))
        {
            var node = _small.Dequeue();
            if (node.IsGone)
            {
                return;
            }

            if (node.Hits > 0)
            {
                node.Hits = 0;
                node.InMain = true;
                _smallWeight -= node.Weight;
                _main.Enqueue(node);
                return;
            }

            Evict(node, leaving);
            Remember(node.Key);
        }
        else
        {
            var node = _main.Dequeue();
            if (node.IsGone)
            {
                return;
            }

            if (node.Hits > 0)
            {
                node.Hits--;
                _main.Enqueue(node);
                return;
            }

            Evict(node, leaving);
        }
    }

    private void Evict(Node node, List<Node> leaving)
    {
        _nodes.TryRemove(node.Key, out _);
        Discount(node);
        leaving.Add(node);
    }

    private void Discount(Node node)
    {
        node.IsGone = true;
        _weight -= node.Weight;
        if (!node.InMain)
        {
            _smallWeight -= node.Weight;
        }
    }

    private void Remember(string key)
    {
        if (!_ghosts.Add(key))
        {
            return;
        }

        _ghostOrder.Enqueue(key);
        while (_ghostOrder.Count > Math.Max(MinGhosts, _nodes.Count))
        {
            _ghosts.Remove(_ghostOrder.Dequeue());
        }
    }

    private void Leave(Node node, bool gaveWay)
    {
        var value = node.Value!;
        node.Value = null; // the queue may hold the node for long, but not its bytes
        gone(node.Key, value, gaveWay);
    }

    private sealed class Node(string key, long weight, TValue value)
    {
        public string Key => key;

        public long Weight => weight;

        public volatile TValue? Value = value;

        public volatile int Hits;

        public bool InMain;

        public bool IsGone;
    }
}
