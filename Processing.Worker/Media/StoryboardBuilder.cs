namespace Processing.Worker.Media;

/// <summary>Joins the storyboard frames of all chunks into one sprite: part of the finalizing task.</summary>
public sealed class StoryboardBuilder(FfmpegRunner ffmpeg)
{
    /// <param name="plan">The video's plan.</param>
    /// <param name="tilePaths">The local copies of <see cref="ChunkResult.Tiles"/>, in chunk order, chunks without tiles left out.</param>
    /// <param name="scratchDir">An existing directory for this task.</param>
    /// <returns>Null where the plan has no storyboard or no frame could be used.</returns>
    public Task<StoryboardResult?> BuildAsync(MediaPlan plan, IReadOnlyList<string> tilePaths, string scratchDir, CancellationToken ct)
    {
        _ = ffmpeg;
        throw new NotSupportedException("not yet");
    }
}
