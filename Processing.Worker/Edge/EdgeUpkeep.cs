using Lifecycle.Store.Edge;
using Microsoft.Extensions.Options;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Edge;

/// <summary>
/// Has every video that should have an edge copy get one, and takes those that nobody wants out of the chunk store. A row stays until that has worked:
/// a chunk store that is away is asked again.
/// </summary>
public sealed class EdgeUpkeep(EdgeCopies copies, MetadataClient metadata, IOptions<EdgeOptions> options)
{
    private const int Batch = 50;

    public async Task PassAsync(CancellationToken ct)
    {
        await copies.ReconcileAsync(options.Value.PopularViews, Batch, ct);
        foreach (var copyId in await copies.UnwantedAsync(Batch, ct))
        {
            await metadata.DeleteVideoAsync(copyId, ct);
            await copies.ForgetAsync(copyId, ct);
        }
    }
}
