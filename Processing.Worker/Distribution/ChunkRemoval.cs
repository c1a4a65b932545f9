using Lifecycle.Store.Chunks;

namespace Processing.Worker.Distribution;

/// <summary>Has deleted videos leave the chunk store.</summary>
public sealed class ChunkRemoval(ChunkUploads uploads, VideoRemoval removal)
{
    private const int Batch = 50;

    public async Task PassAsync(CancellationToken ct) => await removal.RemoveAsync(await uploads.DeletedAsync(Batch, ct), uploads.ForgetAsync, ct);
}
