using System.Collections.Concurrent;
using Storage.Fabric.Erasure;

namespace Storage.Fabric.Chunks;

/// <summary>Codes a chunk and brings each of its five fragments to a node of its own, with the hedges of <see cref="ChunkWriter"/>.</summary>
/// <param name="http">See <see cref="ChunkHttp"/>.</param>
/// <param name="time">Of timeouts and hedges.</param>
public sealed class FragmentWriter(HttpClient http, TimeProvider time)
{
    /// <summary>After the patience: the chunk survives the loss of one more before repair has made the fifth.</summary>
    private const int Enough = ChunkLimits.DataShards + 1;

    private readonly ChunkPut _put = new(http, time);

    /// <summary>Where the fragments are, by index: five, or at least four. No two on one node.</summary>
    /// <param name="candidates">URLs of nodes, the preferred first; five or more.</param>
    /// <exception cref="ChunkUnavailableException">Fewer than four could be placed; the message says what each node did.</exception>
    public async Task<IReadOnlyList<FragmentPlace>> WriteAsync(string chunkId, ReadOnlyMemory<byte> chunk, IReadOnlyList<string> candidates, CancellationToken ct)
    {
        var shards = Shards(chunk);
        ConcurrentQueue<string> nodes = new(candidates.Distinct(StringComparer.Ordinal));
        ConcurrentQueue<string> failures = new();
        using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        List<Task<FragmentPlace?>> running = [.. shards.Select((shard, index) => PlaceAsync(ChunkNames.Fragment(chunkId, index), index, shard, nodes, failures, late.Token))];
        var patience = Task.Delay(ChunkWriter.Patience, time, late.Token);
        List<FragmentPlace> places = [];
        try
        {
            while (running.Count > 0 && !(patience.IsCompleted && places.Count >= Enough))
            {
                await Task.WhenAny(patience.IsCompleted ? running : [.. running, patience]);
                ct.ThrowIfCancellationRequested();
                foreach (var ended in running.Where(one => one.IsCompleted).ToList())
                {
                    running.Remove(ended);
                    if (await ended is { } place)
                    {
                        places.Add(place);
                    }
                }
            }
        }
        finally
        {
            await late.CancelAsync();
        }

        return places.Count >= Enough
            ? [.. places.OrderBy(place => place.Index)]
            : throw new ChunkUnavailableException(chunkId, $"{places.Count} of {shards.Length} fragments written. {string.Join("; ", failures)}");
    }

    /// <summary>Data is sent from where it lies; only what is padded is a copy.</summary>
    private static ReadOnlyMemory<byte>[] Shards(ReadOnlyMemory<byte> chunk)
    {
        var size = ErasureCode.ShardBytes(chunk.Length);
        var (first, second) = (new byte[size], new byte[size]);
        ErasureCode.EncodeParity(chunk.Span, first, second);
        return
        [
            .. Enumerable.Range(0, ChunkLimits.DataShards).Select(i => (i + 1) * size <= chunk.Length ? chunk.Slice(i * size, size) : ErasureCode.DataShard(chunk.Span, i)),
            first,
            second,
        ];
    }

    /// <param name="nodes">Shared by all fragments: a node that one has taken is no other's.</param>
    private async Task<FragmentPlace?> PlaceAsync(string id, int index, ReadOnlyMemory<byte> shard, ConcurrentQueue<string> nodes, ConcurrentQueue<string> failures, CancellationToken ct)
    {
        var checksum = Checksum.HexOf(shard.Span);
        try
        {
            var holders = await Hedge.RunAsync(
                nodes, HedgePlan.For(1, ChunkWriter.HedgeAfter), (node, within) => _put.PutAsync(node, id, shard, checksum, failures, within), time, ct);
            return holders is [var holder, ..] ? new(id, index, holder, shard.Length, checksum) : null;
        }
        catch (OperationCanceledException)
        {
            return null;
        }
    }
}
