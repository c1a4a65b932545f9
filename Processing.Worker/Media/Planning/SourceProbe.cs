using System.Text;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Planning;

/// <summary>Asks ffprobe what a file is. ffprobe may only use the file protocol and demuxers that open no second file.</summary>
internal sealed class SourceProbe(FfmpegRunner ffmpeg, MediaSettings settings)
{
    /// <summary>Streams, tags and side data of any honest file are far below this.</summary>
    private const int MaxOutputChars = 8 << 20;

    /// <summary>ffmpeg's AVPROBE_SCORE_RETRY: below, the content only looks a little like the format. Texts pass as MP3 that way.</summary>
    private const int MinAudioScore = 25;

    public async Task<ProbeOutput> ProbeAsync(string path, string? demuxer, string workDir, CancellationToken ct)
    {
        var json = new StringBuilder();
        await ffmpeg.RunAsync(
            new FfmpegCommand
            {
                Tool = "ffprobe",
                Arguments = Arguments(path, demuxer),
                WorkDir = workDir,
                SourcePath = path,
                StallTimeout = TimeSpan.FromSeconds(settings.StallTimeoutSeconds),
                TotalTimeout = TimeSpan.FromSeconds(settings.StallTimeoutSeconds),
                OnLine = line =>
                {
                    if (json.Length + line.Length > MaxOutputChars)
                        throw new MediaUnusableException("Not a video: its description is larger than any real one.");
                    json.AppendLine(line);
                    return true;
                },
            },
            ct);
        return ProbeJson.Parse(json.ToString());
    }

    public static IReadOnlyList<string> Arguments(string path, string? demuxer) =>
    [
        "-hide_banner", "-v", "error",
        .. demuxer is null ? ["-protocol_whitelist", "file", "-format_whitelist", FfmpegArguments.AllowedDemuxers] : FfmpegArguments.Input(demuxer),
        "-probesize", "20000000", "-analyzeduration", "20000000",
        "-show_format", "-show_streams", "-of", "json", FfmpegArguments.FileUrl(path),
    ];

    /// <exception cref="MediaUnusableException">The file is none that can become a video.</exception>
    public void Check(ProbeOutput probe)
    {
        if (probe.Format is not { } format || probe.Streams is not { Count: > 0 } streams)
            throw new MediaUnusableException("Not a video: no known media format was found in the file.");
        if (streams.Count > settings.MaxStreams)
            throw new MediaUnusableException($"The file has {streams.Count} streams; at most {settings.MaxStreams} are accepted.");
        if (!streams.Any(stream => stream.IsVideo || stream.IsAudio) || (format.ProbeScore <= MinAudioScore && !streams.Any(stream => stream.IsVideo)))
            throw new MediaUnusableException("Not a video: the file has no picture and no sound.");
        if (format.DurationSeconds > settings.MaxDurationSeconds)
            throw new MediaUnusableException($"The video lasts {format.DurationSeconds:0} s; at most {settings.MaxDurationSeconds:0} s are accepted.");
        if (streams.FirstOrDefault(stream => stream.IsVideo) is { } video && Math.Max(video.Width, video.Height) > settings.MaxSide)
            throw new MediaUnusableException($"The picture is {video.Width}x{video.Height}; at most {settings.MaxSide} pixels a side are accepted.");
    }
}
