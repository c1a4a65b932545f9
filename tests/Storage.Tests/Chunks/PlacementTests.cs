using Storage.Fabric;
using Storage.Fabric.Chunks;
using Xunit;

namespace Storage.Tests.Chunks;

public sealed class PlacementTests
{
    private static readonly string[] _nodes = [.. Enumerable.Range(1, 5).Select(i => $"storage-node-{i}")];

    /// <summary>Written down: groups of acceptors were chosen by it, and an upgrade must choose no others.</summary>
    [Fact]
    public void The_choice_is_the_same_for_ever()
    {
        Assert.Equal(["storage-node-2", "storage-node-1", "storage-node-4"], Placement.Choose("chunk-b", _nodes, 3));
        Assert.Equal(Placement.Choose("a-chunk", _nodes, 3), Placement.Choose("a-chunk", [.. _nodes.Reverse(), .. _nodes], 3));
    }

    [Fact]
    public void Every_node_gets_its_share()
    {
        var held = Chunks().SelectMany(chunk => Placement.Choose(chunk, _nodes, 3)).CountBy(node => node).ToDictionary();

        Assert.Equal(_nodes.Length, held.Count);
        Assert.All(held.Values, count => Assert.InRange(count, 1140, 1260)); // 2000 x 3 / 5, and six deviations
    }

    [Fact]
    public void A_node_that_goes_moves_only_what_it_had()
    {
        foreach (var chunk in Chunks())
        {
            var before = Placement.Choose(chunk, _nodes, 3);
            var after = Placement.Choose(chunk, _nodes[..4], 3);
            Assert.Equal(before.Where(node => node != _nodes[4]), after.Take(before.Count(node => node != _nodes[4])));
        }
    }

    [Fact]
    public void Fewer_nodes_are_all_chosen()
    {
        Assert.Equal(_nodes[..2].ToHashSet(), Placement.Choose("a-chunk", _nodes[..2], 3).ToHashSet());
        Assert.Empty(Placement.Choose("a-chunk", [], 3));
    }

    private static IEnumerable<string> Chunks() => Enumerable.Range(0, 2000).Select(i => ChunkNames.Chunk(Guid.Empty, i));
}
