namespace Processing.Worker.Media;

/// <summary>Runs ffmpeg and ffprobe in the sandbox that this machine allows. One per process, shared.</summary>
public sealed partial class FfmpegRunner(TimeProvider time, ILogger<FfmpegRunner> logger)
{
    private readonly TimeProvider _time = time;
    private readonly ILogger _logger = logger;
}
