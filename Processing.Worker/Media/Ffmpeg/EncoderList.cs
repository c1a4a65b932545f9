using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media;

/// <summary>Which encoders this machine's ffmpeg has.</summary>
public sealed class EncoderList(FfmpegRunner ffmpeg)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    /// <returns>ffmpeg's names of all video encoders.</returns>
    /// <exception cref="MediaFailureException">ffmpeg could not be run.</exception>
    public async Task<IReadOnlyList<string>> ReadAsync(CancellationToken ct)
    {
        List<string> names = [];
        await ffmpeg.RunAsync(
            new FfmpegCommand
            {
                Tool = "ffmpeg",
                Arguments = ["-hide_banner", "-encoders"],
                WorkDir = Path.GetTempPath(),
                StallTimeout = _within,
                TotalTimeout = _within,
                OnLine = line =>
                {
                    // " V....D libx264              libx264 H.264 ...": kind and abilities, name, description.
                    if (line.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [['V', ..], var name, not "=", ..])
                        names.Add(name);
                    return true;
                },
            },
            ct);
        return names;
    }
}
