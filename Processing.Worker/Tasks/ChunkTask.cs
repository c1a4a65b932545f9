using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;
using Processing.Worker.Sources;

namespace Processing.Worker.Tasks;

/// <summary>Encodes one stretch of the video in all renditions.</summary>
public sealed class ChunkTask(SourceCache sources, TaskInputs inputs, ChunkEncoder encoder, OutputWriter outputs, TaskOutcomes outcomes, FaultPoints faults) : ITaskHandler
{
    /// <summary>The first chunk's ordinal within its job: plan is 0, audio 1.</summary>
    private const int FirstOrdinal = 2;

    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        var plan = await inputs.PlanAsync(context.Task, context.Stop);
        using var source = await sources.OpenAsync(context, plan, context.Stop);
        await faults.PassAsync(FaultPoint.TaskChunk, context.Stop);
        var result = await encoder.EncodeAsync(plan.Result, context.Task.Ordinal - FirstOrdinal, source.Path, context.Scratch, context.Progress, context.Stop);
        await outputs.PutAsync(context, result.Files);

        await faults.PassAsync(FaultPoint.TaskBeforeCommit, context.Stop);
        return await outcomes.CompletePartAsync(context.Task, JsonSerializer.Serialize(new(context.Task.LeaseToken, result), TaskJson.Default.TaskOutputChunkResult), context.Stop);
    }
}
