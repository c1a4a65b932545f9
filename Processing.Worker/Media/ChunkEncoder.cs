namespace Processing.Worker.Media;

/// <summary>A chunk task: decodes the frames of its segments once and encodes all renditions.</summary>
public sealed class ChunkEncoder(FfmpegRunner ffmpeg)
{
    /// <param name="plan">The video's plan.</param>
    /// <param name="chunkIndex">Which of the plan's chunks.</param>
    /// <param name="sourcePath">The source, or the normalized file where the plan names one.</param>
    /// <param name="scratchDir">An existing directory for this task; the files of the result are written below it.</param>
    /// <exception cref="MediaFailureException">See the category.</exception>
    public Task<ChunkResult> EncodeAsync(
        MediaPlan plan, int chunkIndex, string sourcePath, string scratchDir, IProgress<double>? progress, CancellationToken ct)
    {
        _ = ffmpeg;
        throw new NotSupportedException("not yet");
    }
}
