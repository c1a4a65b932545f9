using System.Collections.Concurrent;

namespace Storage.Fabric.Chunks;

/// <summary>
/// Brings a chunk to several nodes at once. A node that fails is replaced by the next candidate, one that has not answered
/// within 0.5 s gets the next beside it, and after 2 s a majority of the copies will do: a hung node costs no more than that.
/// </summary>
/// <param name="http">See <see cref="ChunkHttp"/>.</param>
/// <param name="time">Of timeouts and hedges.</param>
public sealed class ChunkWriter(HttpClient http, TimeProvider time)
{
    /// <summary>Several times a durable PUT of 2 MiB on a busy node.</summary>
    internal static readonly TimeSpan HedgeAfter = TimeSpan.FromMilliseconds(500);

    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly ChunkPut _put = new(http, time);

    /// <summary>The nodes that hold it durably: <paramref name="copies"/>, or at least the majority of so many; repair brings the rest. Others may hold it without being named.</summary>
    /// <param name="candidates">URLs of nodes, the preferred first; more than <paramref name="copies"/>, so that one may be away.</param>
    /// <exception cref="ChunkUnavailableException">Fewer than a majority took it; the message says what each node did.</exception>
    public async Task<IReadOnlyList<string>> WriteAsync(string chunkId, ReadOnlyMemory<byte> bytes, IReadOnlyList<string> candidates, int copies, CancellationToken ct)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(copies);
        var majority = (copies / 2) + 1;
        var checksum = Checksum.HexOf(bytes.Span);
        ConcurrentQueue<string> failures = new();
        var holders = await Hedge.RunAsync(
            new ConcurrentQueue<string>(candidates.Distinct(StringComparer.Ordinal)), new(copies, HedgeAfter, majority, Patience),
            (node, within) => _put.PutAsync(node, chunkId, bytes, checksum, failures, within), time, ct);
        return holders.Count >= majority
            ? holders
            : throw new ChunkUnavailableException(chunkId, $"{holders.Count} of {copies} copies written. {string.Join("; ", failures)}");
    }
}
