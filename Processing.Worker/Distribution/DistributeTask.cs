using Lifecycle.Contracts;
using Lifecycle.Contracts.Chunks;
using Lifecycle.Store.Chunks;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Tasks;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Distribution;

/// <summary>
/// The last task of a distribution: cuts what the tasks before have encoded or copied, puts every chunk on its nodes and has its place agreed. Any of it
/// may be repeated after a crash: the same bytes come out, a node that has a chunk says so, and a commit of the same content is the same commit.
/// </summary>
public sealed class DistributeTask(
    TaskInputs inputs, TrackFiles tracks, ChunkCutter cutter, Distributor distributor, ChunkUploads uploads, TaskOutcomes outcomes, ScratchSpace scratch, FaultPoints faults) : ITaskHandler
{
    private const int ParallelChunks = 3;

    public async Task<RunEnd> RunAsync(TaskContext context)
    {
        await faults.PassAsync(FaultPoint.TaskFinalize, context.Stop);
        var (task, ct) = (context.Task, context.Stop);
        var upload = await uploads.FindByVideoAsync(task.VideoId, ct) ?? throw new InvalidOperationException($"Video {task.VideoId} has no upload to the chunk store.");
        var planned = await inputs.PlanAsync(task, ct);
        var plan = planned.Result;
        var encoded = await tracks.FindAsync(task, planned, ct);
        scratch.Admit(3 * encoded.Bytes);
        var chunks = await cutter.CutAsync(plan, context.Scratch, folder => tracks.WriteAsync(context, plan, encoded, folder), ct);

        await uploads.NoteAsync(task, UploadPhase.Registering, chunks.Count, 0, ct);
        await distributor.RegisterAsync(task.VideoId, upload.Title, plan.DurationSeconds, ct);

        var done = 0;
        await uploads.NoteAsync(task, UploadPhase.UploadingChunks, chunks.Count, 0, ct);
        await Parallel.ForEachAsync(chunks.Index(), new ParallelOptions { MaxDegreeOfParallelism = ParallelChunks, CancellationToken = ct }, async (chunk, stop) =>
        {
            var bytes = await OutputFile.ReadAsync(chunk.Item, stop) ?? throw new FileNotFoundException("A chunk has gone before it was stored.", chunk.Item);
            await distributor.StoreAsync(task.VideoId, chunk.Index, bytes, stop);
            await uploads.NoteAsync(task, UploadPhase.UploadingChunks, chunks.Count, Interlocked.Increment(ref done), stop);
            context.Progress.Report((double)done / chunks.Count);
        });

        await uploads.NoteAsync(task, UploadPhase.Finalizing, chunks.Count, chunks.Count, ct);
        await distributor.ActivateAsync(task.VideoId, ct);
        await faults.PassAsync(FaultPoint.TaskBeforeCommit, ct);
        return await outcomes.CompleteJobAsync(task, ct);
    }
}
