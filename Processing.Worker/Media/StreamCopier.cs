using Processing.Worker.Media.Encoders;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Media.Planning;

namespace Processing.Worker.Media;

/// <summary>What a plan copied from the source, in place of chunk and audio tasks.</summary>
/// <param name="Audio">Null for a source without sound.</param>
public sealed record CopiedTracks(ChunkResult Video, AudioResult? Audio)
{
    internal IEnumerable<MediaFile> Files => [.. Video.Files, .. Audio?.Files ?? []];
}

/// <summary>Copies a source's picture and sound into segments, where they fit as they are.</summary>
internal sealed class StreamCopier(FfmpegRunner ffmpeg)
{
    /// <param name="plan">With the segments that <see cref="CutIndex"/> has found.</param>
    /// <returns>Null where the content is not what the index promised: then it is encoded.</returns>
    /// <exception cref="MediaFailureException">Transient ones; see the category.</exception>
    public async Task<CopiedTracks?> CopyAsync(MediaPlan plan, FrameTimes frames, string path, string workDir, string scratchDir, CancellationToken ct)
    {
        try
        {
            await ffmpeg.RunAsync(
                new FfmpegCommand
                {
                    Tool = "ffmpeg",
                    Arguments = CopyArguments.Build(plan, path),
                    WorkDir = workDir,
                    SourcePath = path,
                    StallTimeout = TimeSpan.FromSeconds(plan.Settings.StallTimeoutSeconds),
                    TotalTimeout = TimeSpan.FromSeconds(plan.Settings.TaskTimeoutSeconds),
                },
                ct);
            var video = await CopiedVideo.SplitAsync(plan, frames, Path.Combine(workDir, CopyArguments.Picture), scratchDir, ct);
            return new(video, plan.Audio is [var track]
                ? new AudioResult { Tracks = [await AudioSegmenter.SplitAsync(plan, track, plan.OriginTicks, Path.Combine(workDir, CopyArguments.Sound), scratchDir, ct)] }
                : null);
        }
        catch (Exception exception) when (exception is InvalidDataException or MediaFailureException { Failure.IsPermanent: true })
        {
            return null;
        }
    }
}
