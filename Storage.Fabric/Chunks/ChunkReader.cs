namespace Storage.Fabric.Chunks;

/// <summary>What one request to a node came to; the reader's owner scores nodes by it.</summary>
/// <param name="Duration">From the request to its end.</param>
/// <param name="Bytes">That arrived.</param>
public sealed record TransferSample(string NodeUrl, TimeSpan Duration, int Bytes, bool Succeeded);

public sealed class ChunkReader(HttpClient http, TimeProvider time, Action<TransferSample>? observe = null)
{
    public async Task<byte[]> ReadAsync(ChunkPlace chunk, CancellationToken ct)
    {
        // Hedging comes with the next commit: each replica in turn.
        foreach (var node in chunk.Replicas)
        {
            var started = time.GetTimestamp();
            try
            {
                var bytes = await http.GetByteArrayAsync(new Uri($"{node.TrimEnd('/')}/chunk/{chunk.ChunkId}"), ct);
                var good = Checksum.HexOf(bytes) == chunk.Checksum;
                observe?.Invoke(new(node, time.GetElapsedTime(started), bytes.Length, good));
                if (good)
                {
                    return bytes;
                }
            }
            catch (HttpRequestException)
            {
                observe?.Invoke(new(node, time.GetElapsedTime(started), 0, false));
            }
        }

        throw new ChunkUnavailableException(chunk.ChunkId, "no copy could be read");
    }
}
