using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Media;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;

namespace Processing.Worker.Tasks;

/// <summary>Joins all results into a version, checks it, and publishes it with the transition to READY.</summary>
public sealed class FinalizeTask(ObjectStore objects, TaskInputs inputs, StoryboardBuilder storyboards, OutputWriter outputs, TaskOutcomes outcomes, FaultPoints faults) : ITaskHandler
{
    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        await faults.PassAsync(FaultPoint.TaskFinalize, context.Stop);
        var plan = (await inputs.PlanAsync(context.Task, context.Stop)).Result;
        var chunks = await inputs.ChunksAsync(context.Task, context.Stop);
        var audio = await inputs.AudioAsync(context.Task, context.Stop);
        var storyboard = await StoryboardAsync(context, plan, chunks);

        // Every file by its name, which is unique in a version, to the lease that stored it.
        var leases = chunks.SelectMany(chunk => chunk.Result.Files.Select(file => (file.Name, chunk.LeaseToken)))
            .Concat(audio?.Result.Files.Select(file => (file.Name, audio.LeaseToken)) ?? [])
            .Concat(storyboard is null ? [] : [(storyboard.Sprite.Name, context.Task.LeaseToken)])
            .DistinctBy(entry => entry.Name)
            .ToDictionary(entry => entry.Name, entry => entry.Item2, StringComparer.Ordinal);
        var finalized = MediaFinalizer.Finalize(
            plan, context.Task.Version, [.. chunks.Select(chunk => chunk.Result)], audio?.Result, storyboard, file => context.Stored(file, leases[file.Name]));
        var report = await CheckStoredAsync(context, finalized);
        if (!report.Passed)
        {
            var failed = string.Join("; ", report.Checks.Where(check => !check.Passed).Select(check => $"{check.Name}: {check.Detail}"));
            throw new MediaFailureException(new(MediaFailureCategory.Unknown, $"The encoded video did not pass its checks. {failed}", ""));
        }

        await faults.PassAsync(FaultPoint.TaskBeforeCommit, context.Stop);
        return await outcomes.CompleteFinalAsync(context.Task, new(
            JsonSerializer.Serialize(finalized.Catalogue, MediaJson.Default.Catalogue),
            JsonSerializer.Serialize(report, MediaJson.Default.ConformanceReport),
            JsonSerializer.Serialize(plan.Source, TaskJson.Default.SourceInfo)), context.Stop);
    }

    private async Task<StoryboardResult?> StoryboardAsync(TaskContext context, MediaPlan plan, IReadOnlyList<TaskOutput<ChunkResult>> chunks)
    {
        List<string> tiles = [];
        foreach (var chunk in chunks.OrderBy(chunk => chunk.Result.Index))
        {
            if (chunk.Result.Tiles is { } file)
            {
                var path = Path.Combine(context.Scratch, $"tiles-{chunk.Result.Index}");
                if (!await objects.DownloadAsync(context.Stored(file, chunk.LeaseToken).Key, path, context.Stop))
                {
                    throw new MediaFailureException(new(MediaFailureCategory.Storage, "A finished chunk's images are missing from the store.", ""));
                }

                tiles.Add(path);
            }
        }

        var storyboard = await storyboards.BuildAsync(plan, tiles, context.Scratch, context.Stop);
        if (storyboard is not null)
        {
            await outputs.PutAsync(context, [storyboard.Sprite]);
        }

        return storyboard;
    }

    /// <summary>Compares what the store has with what was written. The content itself was verified by the store at each PUT: it is signed with its SHA-256.</summary>
    private async Task<ConformanceReport> CheckStoredAsync(TaskContext context, FinalizedMedia finalized)
    {
        Dictionary<string, long> stored = new(StringComparer.Ordinal);
        await foreach (var entry in objects.ListAsync(ObjectKeys.Outputs(context.Task.VideoId), context.Stop))
        {
            stored[entry.Key] = entry.Bytes;
        }

        var expected = finalized.Catalogue.Objects.ToList();
        var wrong = expected.Where(each => !stored.TryGetValue(each.Key, out var bytes) || bytes != each.Bytes).Select(each => each.Key).ToList();
        ConformanceCheck check = new("stored objects", wrong.Count == 0, wrong.Count == 0 ? $"{expected.Count} objects, sizes as written" : $"missing or of another size: {string.Join(", ", wrong.Take(5))}");
        return new([.. finalized.Report.Checks, check]);
    }
}
