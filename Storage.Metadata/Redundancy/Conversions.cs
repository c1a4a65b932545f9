using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Microsoft.Extensions.Options;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Fabric.Erasure;
using Storage.Metadata.Chunks;
using Storage.Metadata.Nodes;
using Storage.Metadata.Repair;

namespace Storage.Metadata.Redundancy;

/// <summary>
/// Changes how chunks are kept as their video's popularity goes, while they are read: the new copies are stored and checked, then the
/// placement moves, and the old copies stay for a while, as clients have manifests that name them.
/// </summary>
internal sealed partial class Conversions(
    RedundancyStore redundancy, PlacementStore placements, ChunkReads reads, ChunkCopies copies, NodeDirectory directory, FaultPoints faults, IOptions<MetadataOptions> options,
    ILogger<Conversions> logger)
{
    private const int MostPerPass = 256;

    private static readonly TimeSpan _againAfter = TimeSpan.FromSeconds(30);

    public async Task PassAsync(CancellationToken ct)
    {
        if (!options.Value.Conversions)
        {
            return;
        }

        var canCode = (await directory.CurrentAsync(ct)).Healthy.Count(node => node.HasRoom) >= ChunkLimits.TotalShards;
        var chunks = await redundancy.ToConvertAsync(TimeSpan.FromSeconds(options.Value.SettlingSeconds), options.Value.CodedBelowViews, canCode, MostPerPass, ct);
        ParallelOptions bounds = new() { MaxDegreeOfParallelism = options.Value.ConcurrentRepairs, CancellationToken = ct };
        await Parallel.ForEachAsync(chunks, bounds, async (chunk, within) => await ConvertAsync(chunk.ChunkId, chunk.Mode, within));
    }

    private async Task ConvertAsync(string chunkId, string mode, CancellationToken ct)
    {
        if (await placements.FindAsync(chunkId, ct) is not { } placement || placement.Mode == mode)
        {
            return;
        }

        try
        {
            var bytes = await reads.ReadAsync(placement, lost: null, ct);
            var made = mode == RedundancyMode.ErasureCoding ? await CodeAsync(placement, bytes, ct) : await ReplicateAsync(placement, bytes, ct);
            await faults.PassAsync(FaultPoint.ChunkCopied, ct);
            if (made is var (nodes, fragments) && await placements.MoveAsync(placement, mode, nodes, fragments, TimeSpan.FromSeconds(options.Value.RemovalGraceSeconds), ct))
            {
                Log.Converted(logger, chunkId, mode);
                return;
            }
        }
        catch (ChunkUnavailableException exception)
        {
            Log.Unavailable(logger, chunkId, exception.Message);
        }

        await placements.PostponeAsync(chunkId, _againAfter, ct);
    }

    /// <summary>Five fragments on five nodes, or nothing.</summary>
    private async Task<(IReadOnlyList<string> Nodes, IReadOnlyList<PlacedFragment>? Fragments)?> CodeAsync(ChunkPlacement placement, byte[] bytes, CancellationToken ct)
    {
        if (!ChunkNames.IsValid(ChunkNames.Fragment(placement.ChunkId, 0)))
        {
            return null; // its id leaves no room for a fragment's
        }

        var shards = ErasureCode.Encode(bytes);
        List<PlacedFragment> fragments = [.. shards.Select((shard, index) => new PlacedFragment(ChunkNames.Fragment(placement.ChunkId, index), index, shard.Length, Checksum.HexOf(shard)))];
        Queue<StorageNode> free = new(await copies.CandidatesAsync(placement.ChunkId, ct));
        List<string> nodes = [];
        foreach (var fragment in fragments)
        {
            if (await NextAsync(placement.ChunkId, new(fragment.Id, "", fragment.Checksum, fragment.SizeBytes, fragment.Index), shards[fragment.Index], free, ct) is not { } node)
            {
                return null;
            }

            nodes.Add(node);
        }

        return (nodes, fragments);
    }

    /// <summary>Three whole copies, or as many as there are nodes.</summary>
    private async Task<(IReadOnlyList<string> Nodes, IReadOnlyList<PlacedFragment>? Fragments)?> ReplicateAsync(ChunkPlacement placement, byte[] bytes, CancellationToken ct)
    {
        Queue<StorageNode> free = new(await copies.CandidatesAsync(placement.ChunkId, ct));
        var wanted = Math.Min(ChunkLimits.Replicas, free.Count);
        List<string> nodes = [];
        while (nodes.Count < wanted && await NextAsync(placement.ChunkId, new(placement.ChunkId, "", placement.Checksum, placement.SizeBytes, null), bytes, free, ct) is { } node)
        {
            nodes.Add(node);
        }

        return nodes.Count == wanted && wanted > 0 ? (nodes, null) : null;
    }

    private async Task<string?> NextAsync(string chunkId, PlacedObject copy, ReadOnlyMemory<byte> bytes, Queue<StorageNode> free, CancellationToken ct)
    {
        while (free.TryDequeue(out var node))
        {
            if (await copies.MakeAsync(chunkId, copy with { NodeId = node.Id }, node, bytes, ct))
            {
                return node.Id;
            }
        }

        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Chunk {ChunkId} is now kept by {Mode}")]
        public static partial void Converted(ILogger logger, string chunkId, string mode);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Chunk {ChunkId} is not converted now: {Reason}")]
        public static partial void Unavailable(ILogger logger, string chunkId, string reason);
    }
}
