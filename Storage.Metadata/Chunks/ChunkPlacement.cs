using Storage.Fabric.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>Where a chunk lives now.</summary>
/// <param name="Version">Of the compare-and-swap that moves it.</param>
/// <param name="Nodes">Ids: of the replicas, or of the fragments by index with "" for one that is nowhere.</param>
internal sealed record ChunkPlacement(
    string ChunkId, string VideoId, int Sequence, int SizeBytes, string Checksum, long Version, string Mode, IReadOnlyList<string> Nodes, IReadOnlyList<PlacedFragment>? Fragments, DateTime MovedAt)
{
    public bool IsCoded => Mode == RedundancyMode.ErasureCoding;

    /// <summary>Each object that makes up the chunk and the node it should be on: the chunk itself per replica, or one fragment each.</summary>
    public IEnumerable<PlacedObject> Objects => Fragments is null
        ? Nodes.Select(node => new PlacedObject(ChunkId, node, Checksum, SizeBytes, null))
        : Fragments.Select(fragment => new PlacedObject(fragment.Id, Nodes[fragment.Index], fragment.Checksum, fragment.SizeBytes, fragment.Index));

    /// <summary>The fragments that have a node with an address.</summary>
    public IEnumerable<FragmentPlace> PlacesOf(NodeSet nodes) =>
        from fragment in Fragments ?? []
        let url = nodes.ById(Nodes[fragment.Index])?.Url
        where url is not null
        select new FragmentPlace(fragment.Id, fragment.Index, url, fragment.SizeBytes, fragment.Checksum);

    /// <summary>For a reader, without the objects in <paramref name="lost"/>.</summary>
    public ChunkPlace ToPlace(NodeSet nodes, IReadOnlySet<PlacedObject>? lost = null)
    {
        var held = Objects.Where(placed => lost?.Contains(placed) is not true).ToList();
        return new(
            ChunkId, Sequence, SizeBytes, Checksum, Mode,
            IsCoded ? [] : nodes.UrlsOf(held.Select(placed => placed.NodeId)),
            IsCoded ? [.. PlacesOf(nodes).Where(place => held.Any(placed => placed.FragmentIndex == place.Index))] : []);
    }
}

/// <param name="FragmentIndex">Null: the chunk itself.</param>
internal sealed record PlacedObject(string ObjectId, string NodeId, string Checksum, int SizeBytes, int? FragmentIndex);
