using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Microsoft.Extensions.Options;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Fabric.Erasure;
using Storage.Metadata.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Repair;

/// <summary>
/// Makes lost copies anew: of a replica another one, of a fragment the same from any three. New copies first, then the move of the
/// placement, then the removal of what is left behind; a crash in between costs nothing but the copies.
/// </summary>
internal sealed partial class Repairs(
    PlacementStore placements, ChunkReads reads, ChunkCopies copies, NodeDirectory directory, FaultPoints faults, IOptions<MetadataOptions> options, ILogger<Repairs> logger)
{
    private const int MostPerPass = 512;

    /// <summary>Of one chunk on one node where nodes are scarce: losing it leaves three of five.</summary>
    private const int MostFragmentsPerNode = ChunkLimits.ParityShards;

    private static readonly TimeSpan _againAfter = TimeSpan.FromSeconds(10);

    public async Task PassAsync(CancellationToken ct)
    {
        var nodes = await directory.CurrentAsync(ct);
        string[] lost = [.. nodes.All.Where(node => nodes.StateOf(node.Id) == NodeState.Down).Select(node => node.Id)];
        await RepairAsync((await placements.DamagedAsync(lost, nodes.Healthy.Count(), MostPerPass, ct)).Select(placement => (placement, (IReadOnlyList<PlacedObject>)[])), ct);
    }

    /// <param name="damaged">Each with what a healthy node turned out not to have.</param>
    /// <param name="ct">Between two chunks, and within.</param>
    public Task RepairAsync(IEnumerable<(ChunkPlacement Placement, IReadOnlyList<PlacedObject> Missing)> damaged, CancellationToken ct) => Parallel.ForEachAsync(
        damaged, new ParallelOptions { MaxDegreeOfParallelism = options.Value.ConcurrentRepairs, CancellationToken = ct }, async (one, within) => await RepairAsync(one.Placement, one.Missing, within));

    private async Task RepairAsync(ChunkPlacement placement, IReadOnlyList<PlacedObject> missing, CancellationToken ct)
    {
        var nodes = await directory.CurrentAsync(ct);
        var lost = placement.Objects.Where(placed => missing.Contains(placed) || nodes.StateOf(placed.NodeId) == NodeState.Down).ToHashSet();
        try
        {
            var next = placement.IsCoded ? await FragmentsAsync(placement, lost, ct) : await ReplicasAsync(placement, lost, nodes, ct);
            await faults.PassAsync(FaultPoint.ChunkCopied, ct);
            if (next is null)
            {
                await placements.PostponeAsync(placement.ChunkId, _againAfter, ct);
            }
            else if (!next.SequenceEqual(placement.Nodes) && await placements.MoveAsync(placement, placement.Mode, next, placement.Fragments, TimeSpan.Zero, ct))
            {
                Log.Repaired(logger, placement.ChunkId, string.Join(", ", placement.Nodes), string.Join(", ", next));
            }
        }
        catch (ChunkUnavailableException exception)
        {
            Log.Unavailable(logger, placement.ChunkId, exception.Message);
            await placements.PostponeAsync(placement.ChunkId, _againAfter, ct);
        }
    }

    /// <returns>The nodes of the new placement; null: none could take a copy.</returns>
    private async Task<IReadOnlyList<string>?> ReplicasAsync(ChunkPlacement placement, HashSet<PlacedObject> lost, NodeSet nodes, CancellationToken ct)
    {
        List<string> next = [.. placement.Objects.Where(placed => !lost.Contains(placed)).Select(placed => placed.NodeId)];
        var candidates = (await copies.CandidatesAsync(placement.ChunkId, ct)).Where(node => !next.Contains(node.Id)).ToList();
        if (next.Count < ChunkLimits.Replicas && candidates.Count == 0)
        {
            return null;
        }

        var before = next.Count;
        var bytes = next.Count < ChunkLimits.Replicas ? await reads.ReadAsync(placement, lost, ct) : [];
        foreach (var node in candidates.TakeWhile(_ => next.Count < ChunkLimits.Replicas))
        {
            if (await copies.MakeAsync(placement.ChunkId, new(placement.ChunkId, node.Id, placement.Checksum, placement.SizeBytes, null), node, bytes, ct))
            {
                next.Add(node.Id);
            }
        }

        if (next.Count == before && before < ChunkLimits.Replicas)
        {
            return null;
        }

        // A node that is only away may come back with its copy: as long as there are too few, it stays.
        return [.. next, .. lost.Select(placed => placed.NodeId).Where(id => nodes.StateOf(id) == NodeState.Down && !next.Contains(id)).Take(Math.Max(0, ChunkLimits.Replicas - next.Count))];
    }

    /// <returns>The nodes of the new placement, by index; null: no fragment could be stored.</returns>
    private async Task<IReadOnlyList<string>?> FragmentsAsync(ChunkPlacement placement, HashSet<PlacedObject> lost, CancellationToken ct)
    {
        var candidates = await copies.CandidatesAsync(placement.ChunkId, ct);
        var shards = ErasureCode.Encode(await reads.ReadAsync(placement, lost, ct));
        string[] next = [.. placement.Nodes];
        foreach (var fragment in lost)
        {
            next[fragment.FragmentIndex!.Value] = "";
        }

        var stored = false;
        foreach (var fragment in lost.OrderBy(fragment => fragment.FragmentIndex))
        {
            var index = fragment.FragmentIndex!.Value;
            var free = candidates.Where(node => next.Count(id => id == node.Id) < MostFragmentsPerNode).OrderBy(node => next.Count(id => id == node.Id)); // stable: the chunk's own order within
            var home = await StoreAsync(placement.ChunkId, fragment, free.ToList(), shards[index], ct);
            stored |= home is not null;
            next[index] = home ?? placement.Nodes[index];
        }

        return stored ? next : null;
    }

    private async Task<string?> StoreAsync(string chunkId, PlacedObject fragment, List<StorageNode> candidates, byte[] shard, CancellationToken ct)
    {
        foreach (var node in candidates)
        {
            if (await copies.MakeAsync(chunkId, fragment with { NodeId = node.Id }, node, shard, ct))
            {
                return node.Id;
            }
        }

        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Chunk {ChunkId} moved from {Before} to {After}")]
        public static partial void Repaired(ILogger logger, string chunkId, string before, string after);

        [LoggerMessage(Level = LogLevel.Error, Message = "Chunk {ChunkId} cannot be repaired now: {Reason}")]
        public static partial void Unavailable(ILogger logger, string chunkId, string reason);
    }
}
