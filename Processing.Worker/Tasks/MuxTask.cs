using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;
using Processing.Worker.Media.Encoders;

namespace Processing.Worker.Tasks;

/// <summary>Joins what a transcode job's tasks have made into the file that was asked for.</summary>
public sealed class MuxTask(ObjectStore objects, JobStore jobs, TaskInputs inputs, OutputMuxer muxer, OutputWriter outputs, TaskOutcomes outcomes, ScratchSpace scratch, FaultPoints faults) : ITaskHandler
{
    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        await faults.PassAsync(FaultPoint.TaskFinalize, context.Stop);
        var config = await jobs.TranscodeConfigAsync(context.Task, context.Stop);
        var plan = (await inputs.PlanAsync(context.Task, context.Stop)).Result;
        var chunks = (await inputs.ChunksAsync(context.Task, context.Stop)).OrderBy(chunk => chunk.Result.Index).ToList();
        var audio = await inputs.AudioAsync(context.Task, context.Stop);
        scratch.Admit(2 * (chunks.Sum(chunk => chunk.Result.Files.Sum(file => file.Bytes)) + (audio?.Result.Files.Sum(file => file.Bytes) ?? 0)));

        var muxed = await muxer.MuxAsync(
            plan, config.OutputFormat, [.. chunks.Select(chunk => chunk.Result)], context.Scratch, folder => WriteTracksAsync(context, plan, chunks, audio, folder), context.Progress, context.Stop);
        await outputs.PutAsync(context, muxed.Files);

        await faults.PassAsync(FaultPoint.TaskBeforeCommit, context.Stop);
        JobOutput output = new(
            [.. muxed.Files.Select(file => new JobFile(file.Name, context.Stored(file).Key, file.Bytes, file.Sha256, file.ContentType))],
            muxed.DurationSeconds, muxed.Width, muxed.Height, muxed.VideoCodec, muxed.AudioCodec);
        return await outcomes.CompleteOutputAsync(context.Task, JsonSerializer.Serialize(output, JobJson.Default.JobOutput), context.Stop);
    }

    /// <summary>Segments behind their initialization segment are one fragmented file, exact to the tick.</summary>
    private async Task WriteTracksAsync(TaskContext context, MediaPlan plan, List<TaskOutput<ChunkResult>> chunks, TaskOutput<AudioResult>? audio, string folder)
    {
        if (plan.Video is not null)
        {
            await WriteAsync(context, Path.Combine(folder, MuxArguments.VideoInput), chunks.SelectMany((chunk, i) =>
                chunk.Result.Renditions[0].Files.Skip(i == 0 ? 0 : 1).Select(file => (file, chunk.LeaseToken))));
        }

        for (var track = 0; track < plan.Audio.Count; track++)
        {
            var files = AudioArguments.IsSegmented(plan) ? audio!.Result.Tracks[track].Files : [audio!.Result.Whole[track]];
            await WriteAsync(context, Path.Combine(folder, MuxArguments.AudioInput(plan, track)), files.Select(file => (file, audio.LeaseToken)));
        }
    }

    private async Task WriteAsync(TaskContext context, string path, IEnumerable<(MediaFile File, long LeaseToken)> parts)
    {
        await using FileStream target = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0, Options = FileOptions.Asynchronous });
        foreach (var (file, leaseToken) in parts)
        {
            if (!await objects.CopyToAsync(context.Stored(file, leaseToken).Key, target, context.Stop))
            {
                throw new MediaFailureException(new(MediaFailureCategory.Storage, "A finished chunk is missing from the store.", ""));
            }
        }
    }
}
