using Lifecycle.Store.Chunks;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Distribution;

/// <summary>Takes deleted videos out of the chunk store. The row stays until that has worked: a chunk store that is away is asked again.</summary>
public sealed class ChunkRemoval(ChunkUploads uploads, MetadataClient metadata)
{
    private const int Batch = 50;

    public async Task PassAsync(CancellationToken ct)
    {
        foreach (var videoId in await uploads.DeletedAsync(Batch, ct))
        {
            await metadata.DeleteVideoAsync(videoId, ct);
            await uploads.ForgetAsync(videoId, ct);
        }
    }
}
