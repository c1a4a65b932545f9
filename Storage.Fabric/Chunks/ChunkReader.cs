using System.Collections.Concurrent;
using Storage.Fabric.Erasure;

namespace Storage.Fabric.Chunks;

/// <summary>What one request to a node came to; the reader's owner may score nodes by it. One that was cancelled because others were sooner is not told.</summary>
/// <param name="Duration">From the request to its end.</param>
/// <param name="Bytes">That arrived.</param>
public sealed record TransferSample(string NodeUrl, TimeSpan Duration, int Bytes, bool Succeeded);

/// <summary>
/// Reads chunks from nodes of which any may be away, slow, hung or wrong. The preferred ones are asked first; one that fails is
/// replaced at once, one that is slower than usual gets the next beside it. What is returned has the chunk's checksum.
/// </summary>
/// <param name="http">See <see cref="ChunkHttp"/>.</param>
/// <param name="time">Of timeouts and hedges.</param>
/// <param name="observe">Called from any thread; quick, and throws nothing.</param>
public sealed class ChunkReader(HttpClient http, TimeProvider time, Action<TransferSample>? observe = null)
{
    /// <summary>A manifest may name any number; more copies than these nobody makes.</summary>
    private const int MostReplicas = 8;

    private readonly ChunkFetch _fetch = new(http, time, observe);
    private readonly RecentDurations _wholeChunks = new();
    private readonly RecentDurations _fragments = new();

    /// <summary>Replicas in the order given. A coded chunk from its fragments, or else from the nodes that rebuild it.</summary>
    /// <exception cref="ChunkUnavailableException">No copy, and too few fragments; the message says what each node did.</exception>
    public async Task<byte[]> ReadAsync(ChunkPlace chunk, CancellationToken ct)
    {
        if (chunk.SizeBytes is <= 0 or > ChunkLimits.MostBytes)
        {
            throw new ArgumentOutOfRangeException(nameof(chunk), chunk.SizeBytes, $"A chunk has 1 to {ChunkLimits.MostBytes} bytes.");
        }

        ConcurrentQueue<string> failures = new();
        var bytes = chunk.Mode == Redundancy.ErasureCoding ? await ReadFragmentsAsync(chunk, failures, ct) : null;
        return bytes ?? await ReadReplicaAsync(chunk, failures, ct)
            ?? throw new ChunkUnavailableException(chunk.ChunkId, failures.IsEmpty ? "no node is known to have it" : string.Join("; ", failures));
    }

    private async Task<byte[]?> ReadReplicaAsync(ChunkPlace chunk, ConcurrentQueue<string> failures, CancellationToken ct)
    {
        var answers = await Hedge.RunAsync(
            new ConcurrentQueue<string>(chunk.Replicas.Distinct(StringComparer.Ordinal).Take(MostReplicas)), HedgePlan.For(1, _wholeChunks.HedgeAfter()),
            (node, within) => _fetch.GetAsync(new(node, chunk.ChunkId, chunk.SizeBytes, chunk.Checksum), _wholeChunks, failures, within), time, ct);
        return answers.FirstOrDefault();
    }

    /// <summary>The three of data first: with them there is nothing to compute.</summary>
    private async Task<byte[]?> ReadFragmentsAsync(ChunkPlace chunk, ConcurrentQueue<string> failures, CancellationToken ct)
    {
        var shardBytes = ErasureCode.ShardBytes(chunk.SizeBytes);
        var usable = chunk.Fragments.Where(fragment => fragment.Index is >= 0 and < ChunkLimits.TotalShards && fragment.SizeBytes == shardBytes)
            .DistinctBy(fragment => fragment.Index).OrderBy(fragment => fragment.Index);
        var answers = await Hedge.RunAsync(
            new ConcurrentQueue<FragmentPlace>(usable), HedgePlan.For(ChunkLimits.DataShards, _fragments.HedgeAfter()), async (fragment, within) =>
            {
                var bytes = await _fetch.GetAsync(new(fragment.NodeUrl, fragment.FragmentId, shardBytes, fragment.Checksum), _fragments, failures, within);
                return bytes is null ? null : new Shard(fragment.Index, bytes);
            }, time, ct);
        if (answers.Count < ChunkLimits.DataShards)
        {
            return null;
        }

        var shards = new byte[]?[ChunkLimits.TotalShards];
        answers.ForEach(shard => shards[shard.Index] = shard.Bytes);
        var chunkBytes = ErasureCode.Decode(shards, chunk.SizeBytes);
        if (Checksum.HexOf(chunkBytes) == chunk.Checksum)
        {
            return chunkBytes;
        }

        failures.Enqueue("its fragments are another chunk's");
        return null;
    }

    private sealed record Shard(int Index, byte[] Bytes);
}
