namespace Processing.Worker.Media;

/// <summary>The audio task: encodes every audio track whole, because audio encoded by chunks has audible gaps.</summary>
public sealed class AudioEncoder(FfmpegRunner ffmpeg)
{
    /// <param name="plan">The video's plan.</param>
    /// <param name="sourcePath">The source, or the normalized file where the plan names one.</param>
    /// <param name="scratchDir">An existing directory for this task; the files of the result are written below it.</param>
    /// <exception cref="MediaFailureException">See the category.</exception>
    public Task<AudioResult> EncodeAsync(MediaPlan plan, string sourcePath, string scratchDir, IProgress<double>? progress, CancellationToken ct)
    {
        _ = ffmpeg;
        throw new NotSupportedException("not yet");
    }
}
