namespace Storage.Fabric.Chunks;

public sealed class ChunkWriter(HttpClient http, TimeProvider time)
{
    public async Task<IReadOnlyList<string>> WriteAsync(string chunkId, ReadOnlyMemory<byte> bytes, IReadOnlyList<string> candidates, int copies, CancellationToken ct)
    {
        // Hedging comes with the next commit: each candidate in turn.
        _ = time;
        List<string> holders = [];
        foreach (var node in candidates.Where(_ => holders.Count < copies))
        {
            using HttpRequestMessage request = new(HttpMethod.Put, new Uri($"{node.TrimEnd('/')}/chunk/{chunkId}")) { Content = new ReadOnlyMemoryContent(bytes) };
            request.Headers.Add("X-Chunk-Checksum", Checksum.HexOf(bytes.Span));
            using var response = await http.SendAsync(request, ct);
            if (response.IsSuccessStatusCode)
            {
                holders.Add(node);
            }
        }

        return holders.Count > copies / 2 ? holders : throw new ChunkUnavailableException(chunkId, "too few nodes took it");
    }
}
