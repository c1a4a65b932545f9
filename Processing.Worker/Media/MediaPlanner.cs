namespace Processing.Worker.Media;

/// <summary>The plan task: probes a source and decides renditions, segments and chunks.</summary>
public sealed class MediaPlanner(FfmpegRunner ffmpeg)
{
    /// <param name="sourcePath">The source as uploaded; its name's extension is not looked at.</param>
    /// <param name="scratchDir">An existing directory for this task; <see cref="MediaPlan.Normalized"/> is written there.</param>
    /// <exception cref="MediaUnusableException">The source cannot become a video; permanent.</exception>
    /// <exception cref="MediaFailureException">Anything else; see the category.</exception>
    public Task<MediaPlan> PlanAsync(string sourcePath, string scratchDir, MediaSettings settings, IProgress<double>? progress, CancellationToken ct)
    {
        _ = ffmpeg;
        throw new NotSupportedException("not yet");
    }
}
