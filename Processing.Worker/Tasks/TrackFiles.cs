using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Processing.Worker.Media;
using Processing.Worker.Media.Encoders;

namespace Processing.Worker.Tasks;

/// <summary>What a job's chunk and audio tasks have made, or its plan has copied.</summary>
public sealed record EncodedTracks(IReadOnlyList<TaskOutput<ChunkResult>> Chunks, TaskOutput<AudioResult>? Audio)
{
    public long Bytes => Chunks.Sum(chunk => chunk.Result.Files.Sum(file => file.Bytes)) + (Audio?.Result.Files.Sum(file => file.Bytes) ?? 0);
}

/// <summary>Brings a job's encoded tracks back from the store, a file each: segments behind their initialization segment are one fragmented file, exact to the tick.</summary>
public sealed class TrackFiles(TaskInputs inputs, ObjectStore objects)
{
    public async Task<EncodedTracks> FindAsync(ClaimedTask task, TaskOutput<MediaPlan> plan, CancellationToken ct) => plan.Result.Copied is { } copied
        ? new([new(plan.LeaseToken, copied.Video)], copied.Audio is { } audio ? new(plan.LeaseToken, audio) : null)
        : new([.. (await inputs.ChunksAsync(task, ct)).OrderBy(chunk => chunk.Result.Index)], await inputs.AudioAsync(task, ct));

    /// <summary>Under the names of <see cref="MuxArguments"/>.</summary>
    /// <exception cref="MediaFailureException">The store lacks one.</exception>
    public async Task WriteAsync(TaskContext context, MediaPlan plan, EncodedTracks encoded, string folder)
    {
        if (plan.Video is not null)
        {
            await WriteAsync(context, Path.Combine(folder, MuxArguments.VideoInput), encoded.Chunks.SelectMany((chunk, i) =>
                chunk.Result.Renditions[0].Files.Skip(i == 0 ? 0 : 1).Select(file => (file, chunk.LeaseToken))));
        }

        for (var track = 0; track < plan.Audio.Count; track++)
        {
            var audio = encoded.Audio!;
            var files = AudioArguments.IsSegmented(plan) ? audio.Result.Tracks[track].Files : [audio.Result.Whole[track]];
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
