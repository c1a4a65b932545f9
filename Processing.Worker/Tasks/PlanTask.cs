using System.Security.Cryptography;
using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Tasks;
using Microsoft.Extensions.Options;
using Processing.Worker.Media;
using Processing.Worker.Sources;

namespace Processing.Worker.Tasks;

/// <summary>Probes the source and decides what the other tasks do.</summary>
public sealed class PlanTask(SourceCache sources, MediaPlanner planner, OutputWriter outputs, TaskOutcomes outcomes, FaultPoints faults, IOptions<WorkerOptions> options) : ITaskHandler
{
    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        await faults.PassAsync(FaultPoint.TaskPlan, context.Stop);
        using var source = await sources.OpenAsync(context.Task.VideoId, context.Stop);
        var digest = await outcomes.LacksSourceDigestAsync(context.Task.VideoId, context.Stop) ? await DigestAsync(source.Path, context.Stop) : null;
        MediaSettings settings = new() { Preset = options.Value.Preset, Threads = options.Value.Threads, Ladder = LadderRung.Of(options.Value.Heights) };
        var plan = await planner.PlanAsync(source.Path, context.Scratch, settings, context.Progress, context.Stop);
        if (plan.Normalized is { } normalized)
        {
            await outputs.PutAsync(context, [normalized]);
        }

        await faults.PassAsync(FaultPoint.TaskBeforeCommit, context.Stop);
        var output = JsonSerializer.Serialize(new(context.Task.LeaseToken, plan), TaskJson.Default.TaskOutputMediaPlan);
        return await outcomes.CompletePlanAsync(context.Task, output, plan.Chunks.Count, plan.NeedsAudioTask, digest, context.Stop);
    }

    private static async Task<byte[]> DigestAsync(string path, CancellationToken ct)
    {
        await using FileStream file = new(path, new FileStreamOptions { BufferSize = 1 << 16, Options = FileOptions.Asynchronous | FileOptions.SequentialScan });
        return await SHA256.HashDataAsync(file, ct);
    }
}
