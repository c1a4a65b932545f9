using System.Security.Cryptography;
using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Tasks;
using Microsoft.Extensions.Options;
using Processing.Worker.Distribution;
using Processing.Worker.Media;
using Processing.Worker.Sources;

namespace Processing.Worker.Tasks;

/// <summary>Probes the source and decides what the other tasks do.</summary>
public sealed class PlanTask(SourceCache sources, MediaPlanner planner, OutputWriter outputs, TaskOutcomes outcomes, JobStore jobs, FaultPoints faults, IOptions<WorkerOptions> options) : ITaskHandler
{
    /// <summary>Encoding a second of sound takes about as long as these millions of pixels of a chunk (ChunkPlan.Cost).</summary>
    private const double AudioCostPerSecond = 0.8;

    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        await faults.PassAsync(FaultPoint.TaskPlan, context.Stop);
        using var source = await sources.OpenAsync(context.Task.VideoId, context.Stop);
        var digest = await outcomes.LacksSourceDigestAsync(context.Task.VideoId, context.Stop) ? await DigestAsync(source.Path, context.Stop) : null;
        var settings = context.Task.Job switch
        {
            JobKind.Ingest => new MediaSettings { Preset = options.Value.Preset, Threads = options.Value.Threads, Ladder = LadderRung.Of(options.Value.Heights) },
            JobKind.Distribute => ChunkSettings.Of(options.Value),
            _ => TranscodeSettings.Of(await jobs.TranscodeConfigAsync(context.Task, context.Stop), options.Value),
        };
        var plan = await planner.PlanAsync(source.Path, context.Scratch, settings, context.Progress, context.Stop);
        await outputs.PutAsync(context, [.. plan.Normalized is { } normalized ? [normalized] : Array.Empty<MediaFile>(), .. plan.Copied?.Files ?? []]);
        await faults.PassAsync(FaultPoint.TaskBeforeCommit, context.Stop);
        var output = JsonSerializer.Serialize(new(context.Task.LeaseToken, plan), TaskJson.Default.TaskOutputMediaPlan);
        return await outcomes.CompletePlanAsync(context.Task, output, Work(plan, context.Task.Job, digest), context.Stop);
    }

    private static PlannedWork Work(MediaPlan plan, JobKind kind, byte[]? digest)
    {
        var pixels = plan.Video?.Renditions.Max(rendition => (long)rendition.Width * rendition.Height) ?? 0;
        return new(
            [.. plan.Chunks.Select(chunk => chunk.Cost)],
            plan.NeedsAudioTask ? AudioCostPerSecond * plan.DurationSeconds * plan.Audio.Count : null,
            TranscodeFormats.SlotsOf(plan.Settings.VideoCodec, pixels),
            kind == JobKind.Ingest ? JsonSerializer.Serialize(plan.Source, TaskJson.Default.SourceInfo) : null,
            digest);
    }

    private static async Task<byte[]> DigestAsync(string path, CancellationToken ct)
    {
        await using FileStream file = new(path, new FileStreamOptions { BufferSize = 1 << 16, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
        return await SHA256.HashDataAsync(file, ct);
    }
}
