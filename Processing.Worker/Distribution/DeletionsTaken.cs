using Lifecycle.Contracts;
using Lifecycle.Store.Edge;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Videos;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Distribution;

/// <summary>
/// Deletes in the catalogue what was deleted at the chunk store. Storage.Metadata tells a deletion until it is taken note of, and that is done last,
/// so a worker that dies between repeats it: a second deletion finds nothing. A video that was deleted here first comes back as such a deletion once,
/// finds nothing, and is taken note of: the two do not answer each other for ever.
/// </summary>
public sealed class DeletionsTaken(MetadataClient metadata, VideoStore videos, EdgeCopies copies, FaultPoints faults)
{
    private bool _isAway;

    public async Task PassAsync(CancellationToken ct)
    {
        foreach (var id in await ToldAsync(ct))
        {
            if (Guid.TryParseExact(id, "D", out var videoId))
            {
                if (await videos.DeleteAsync(videoId, ct) == MoveOutcome.NotAllowed)
                {
                    continue; // its bytes are still arriving: told again until they have
                }

                await copies.LoseAsync(videoId, ct);
            }

            await faults.PassAsync(FaultPoint.DeletionTaken, ct);
            await metadata.TakeDeletionAsync(id, ct);
        }
    }

    /// <summary>A chunk store that is away, or not there at all, is logged once and not every few seconds.</summary>
    private async Task<IReadOnlyList<string>> ToldAsync(CancellationToken ct)
    {
        try
        {
            var told = await metadata.DeletionsAsync(ct);
            _isAway = false;
            return told;
        }
        catch (HttpRequestException) when (_isAway)
        {
            return [];
        }
        catch (HttpRequestException)
        {
            _isAway = true;
            throw;
        }
    }
}
