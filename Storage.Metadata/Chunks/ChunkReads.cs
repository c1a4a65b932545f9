using Microsoft.Extensions.Options;
using Storage.Fabric.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>Reads whole chunks, verified, wherever they are and however they are kept.</summary>
internal sealed class ChunkReads(NodeDirectory directory, NodeClient client, TimeProvider time, IOptions<MetadataOptions> options) : IDisposable
{
    private readonly ChunkReader _reader = new(client.Http, time);
    private readonly SemaphoreSlim _places = new(options.Value.ConcurrentReads);

    /// <exception cref="ChunkUnavailableException">No copy of it, or too few fragments.</exception>
    public async Task<byte[]> ReadAsync(ChunkPlacement placement, IReadOnlySet<PlacedObject>? lost, CancellationToken ct)
    {
        await _places.WaitAsync(ct);
        try
        {
            return await _reader.ReadAsync(placement.ToPlace(await directory.CurrentAsync(ct), lost), ct);
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose() => _places.Dispose();
}
