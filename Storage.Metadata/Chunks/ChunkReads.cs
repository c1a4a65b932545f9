using Microsoft.Extensions.Options;
using Storage.Fabric.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>Reads whole chunks, verified, wherever they are and however they are kept.</summary>
internal sealed class ChunkReads : IDisposable
{
    private readonly NodeDirectory _directory;
    private readonly HttpClient _http = ChunkHttp.Create();
    private readonly ChunkReader _reader;
    private readonly SemaphoreSlim _places;

    public ChunkReads(NodeDirectory directory, TimeProvider time, IOptions<MetadataOptions> options)
    {
        (_directory, _reader, _places) = (directory, new(_http, time), new(options.Value.ConcurrentReads));
    }

    /// <exception cref="ChunkUnavailableException">No copy of it, or too few fragments.</exception>
    public async Task<byte[]> ReadAsync(ChunkPlacement placement, IReadOnlySet<PlacedObject>? lost, CancellationToken ct)
    {
        await _places.WaitAsync(ct);
        try
        {
            return await _reader.ReadAsync(placement.ToPlace(await _directory.CurrentAsync(ct), lost), ct);
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _places.Dispose();
    }
}
