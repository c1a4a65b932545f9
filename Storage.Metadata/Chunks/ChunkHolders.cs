using Storage.Fabric;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <param name="Url">As the request wrote it.</param>
/// <param name="Node">Whom it means.</param>
/// <param name="FragmentIndex">Null: it holds the chunk itself.</param>
internal sealed record ChunkHolder(string Url, StorageNode Node, int? FragmentIndex);

/// <summary>Finds out which of a commit's nodes really have what it says.</summary>
internal sealed class ChunkHolders(NodeAddresses addresses, ObjectChecks checks)
{
    /// <summary>Each node once, however many of its addresses the request names: two names of one node are not two copies.</summary>
    public async Task<IReadOnlyList<ChunkHolder>> FindAsync(CommitRequest request, CancellationToken ct)
    {
        var wanted = request.Fragments is null
            ? request.NodeUrls.Select(url => (Url: url, ObjectId: request.ChunkId, request.Checksum, Index: (int?)null))
            : request.Fragments.Select(fragment => (Url: fragment.NodeUrl, ObjectId: fragment.Id, fragment.Checksum, Index: (int?)fragment.Index));
        var found = await Task.WhenAll(wanted.Select(async one =>
            await addresses.ResolveAsync(one.Url, ct) is { } node && await checks.HoldsAsync(node, one.ObjectId, one.Checksum, ct) is true ? new ChunkHolder(one.Url, node, one.Index) : null));
        return [.. found.OfType<ChunkHolder>().DistinctBy(holder => holder.Node.Id)];
    }

    /// <summary>The decision that this request asks for, with what was found.</summary>
    public static ChunkDecision Decision(CommitRequest request, IReadOnlyList<ChunkHolder> holders)
    {
        var nodes = holders.Select(holder => holder.Node.Id);
        if (request.Fragments is not null)
        {
            var byIndex = holders.ToDictionary(holder => holder.FragmentIndex!.Value, holder => holder.Node.Id);
            nodes = Enumerable.Range(0, ChunkLimits.TotalShards).Select(index => byIndex.GetValueOrDefault(index, ""));
        }

        return new(
            request.ChunkId, request.VideoId, request.Sequence, request.SizeBytes, request.Checksum, request.Mode, [.. nodes], [.. holders.Select(holder => holder.Node.Url!)],
            request.Fragments is null ? null : [.. request.Fragments.Select(fragment => new PlacedFragment(fragment.Id, fragment.Index, fragment.SizeBytes, fragment.Checksum))]);
    }
}
