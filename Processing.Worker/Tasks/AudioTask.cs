using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;
using Processing.Worker.Sources;

namespace Processing.Worker.Tasks;

/// <summary>Encodes all audio tracks over the whole file.</summary>
public sealed class AudioTask(SourceCache sources, TaskInputs inputs, AudioEncoder encoder, OutputWriter outputs, TaskOutcomes outcomes, FaultPoints faults) : ITaskHandler
{
    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        var plan = await inputs.PlanAsync(context.Task, context.Stop);
        using var source = await sources.OpenAsync(context, plan, context.Stop);
        await faults.PassAsync(FaultPoint.TaskAudio, context.Stop);
        var result = await encoder.EncodeAsync(plan.Result, source.Path, context.Scratch, context.Progress, context.Stop);
        await outputs.PutAsync(context, result.Files);

        await faults.PassAsync(FaultPoint.TaskBeforeCommit, context.Stop);
        return await outcomes.CompletePartAsync(context.Task, JsonSerializer.Serialize(new(context.Task.LeaseToken, result), TaskJson.Default.TaskOutputAudioResult), context.Stop);
    }
}
