using Lifecycle.Store.Edge;
using Microsoft.Extensions.Options;
using Processing.Worker.Distribution;

namespace Processing.Worker.Edge;

/// <summary>Has every video that should have an edge copy get one, and those that nobody wants leave the chunk store.</summary>
public sealed class EdgeUpkeep(EdgeCopies copies, VideoRemoval removal, IOptions<EdgeOptions> options)
{
    private const int Batch = 50;

    public async Task PassAsync(CancellationToken ct)
    {
        await copies.ReconcileAsync(options.Value.PopularViews, Batch, ct);
        await removal.RemoveAsync(await copies.UnwantedAsync(Batch, ct), copies.ForgetAsync, ct);
    }
}
