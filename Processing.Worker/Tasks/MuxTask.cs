using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;

namespace Processing.Worker.Tasks;

/// <summary>Joins what a transcode job's tasks have made into the file that was asked for.</summary>
public sealed class MuxTask(JobStore jobs, TaskInputs inputs, TrackFiles tracks, OutputMuxer muxer, OutputWriter outputs, TaskOutcomes outcomes, ScratchSpace scratch, FaultPoints faults) : ITaskHandler
{
    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        await faults.PassAsync(FaultPoint.TaskFinalize, context.Stop);
        var config = await jobs.TranscodeConfigAsync(context.Task, context.Stop);
        var planned = await inputs.PlanAsync(context.Task, context.Stop);
        var plan = planned.Result;
        var encoded = await tracks.FindAsync(context.Task, planned, context.Stop);
        scratch.Admit(2 * encoded.Bytes);

        var muxed = await muxer.MuxAsync(
            plan, config.OutputFormat, [.. encoded.Chunks.Select(chunk => chunk.Result)], context.Scratch, folder => tracks.WriteAsync(context, plan, encoded, folder), context.Progress, context.Stop);
        await outputs.PutAsync(context, muxed.Files);

        await faults.PassAsync(FaultPoint.TaskBeforeCommit, context.Stop);
        JobOutput output = new(
            [.. muxed.Files.Select(file => new JobFile(file.Name, context.Stored(file).Key, file.Bytes, file.Sha256, file.ContentType))],
            muxed.DurationSeconds, muxed.Width, muxed.Height, muxed.VideoCodec, muxed.AudioCodec);
        return await outcomes.CompleteOutputAsync(context.Task, JsonSerializer.Serialize(output, JobJson.Default.JobOutput), context.Stop);
    }
}
