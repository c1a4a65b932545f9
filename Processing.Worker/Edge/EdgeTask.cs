using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Media;
using Lifecycle.Store.Edge;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Processing.Worker.Distribution;
using Processing.Worker.Media;
using Processing.Worker.Tasks;
using Storage.Fabric;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Edge;

/// <summary>
/// Places a READY version's segments on the chunk store's nodes. Any of it may be repeated after a crash: the pieces and their numbers follow from the
/// catalogue, which does not change; what is agreed on already is skipped, and the rest is the same commit again.
/// </summary>
public sealed class EdgeTask(EdgeCopies copies, ObjectStore objects, Distributor distributor, MetadataClient metadata, TaskOutcomes outcomes, FaultPoints faults) : ITaskHandler
{
    private const int ParallelObjects = 3;

    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        var (task, ct) = (context.Task, context.Stop);
        if (await copies.CatalogueAsync(task.JobId, ct) is { } json)
        {
            var catalogue = JsonSerializer.Deserialize(json, MediaJson.Default.Catalogue) ?? throw new JsonException("The catalogue is null.");
            await PlaceAsync(context, catalogue);
        }

        await faults.PassAsync(FaultPoint.TaskBeforeCommit, ct);
        return await outcomes.CompleteJobAsync(task, ct);
    }

    private async Task PlaceAsync(TaskContext context, Catalogue catalogue)
    {
        var (copyId, ct) = (context.Task.JobId, context.Stop);
        var places = EdgeLayout.Of(catalogue);
        if (!EdgeLayout.Fits(places))
        {
            throw new MediaUnusableException($"The video is too long for an edge copy: it would have more than {EdgeLayout.MostPieces} chunks.");
        }

        await metadata.CreateEdgeCopyAsync(copyId, $"Edge copy of {context.Task.VideoId:D}, version {catalogue.Version}", Math.Max(1, (int)Math.Ceiling(catalogue.DurationSeconds)), ct);
        HashSet<int> placed = [.. (await metadata.ManifestAsync(copyId, ct))?.Chunks.Select(chunk => chunk.Sequence) ?? []];
        var (done, all) = (0, Math.Max(1, places.Count));
        await Parallel.ForEachAsync(places, new ParallelOptions { MaxDegreeOfParallelism = ParallelObjects, CancellationToken = ct }, async (place, stop) =>
        {
            var missing = Enumerable.Range(0, place.Count).Where(piece => !placed.Contains(place.First + piece)).ToList();
            if (missing.Count > 0)
            {
                var bytes = await ReadAsync(place.Object, stop);
                foreach (var piece in missing)
                {
                    var (start, length) = place.PieceOf(piece);
                    await distributor.StoreAsync(copyId, place.First + piece, bytes.AsMemory((int)start, length), stop);
                }

                await faults.PassAsync(FaultPoint.EdgeObjectPlaced, stop);
            }

            context.Progress.Report((double)Interlocked.Increment(ref done) / all);
        });
        await metadata.SetStatusAsync(copyId, "active", ct);
    }

    /// <summary>Checked before any of it is agreed on: what is, is for good.</summary>
    private async Task<byte[]> ReadAsync(StoredObject stored, CancellationToken ct)
    {
        var bytes = new byte[stored.Bytes];
        using MemoryStream target = new(bytes);
        try
        {
            if (await objects.CopyToAsync(stored.Key, target, ct) && target.Position == bytes.Length
                && Checksum.HexOf(bytes).Equals(stored.Sha256, StringComparison.OrdinalIgnoreCase))
            {
                return bytes;
            }
        }
        catch (NotSupportedException)
        {
            // More than fits into it: as wrong as too little.
        }

        throw new MediaFailureException(new(MediaFailureCategory.Storage, "A segment in the store is missing, or not what the catalogue says.", stored.Key));
    }
}
