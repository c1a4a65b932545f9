namespace Processing.Worker.Media.Ffmpeg;

/// <summary>One run of ffmpeg or ffprobe.</summary>
internal sealed record FfmpegCommand
{
    /// <summary><c>ffmpeg</c> or <c>ffprobe</c>.</summary>
    public required string Tool { get; init; }

    public required IReadOnlyList<string> Arguments { get; init; }

    /// <summary>Where it writes: relative names in the arguments. Made writable for the sandbox's user.</summary>
    public required string WorkDir { get; init; }

    /// <summary>The file that it reads; null where that is in <see cref="WorkDir"/>.</summary>
    public string? SourcePath { get; init; }

    public required TimeSpan StallTimeout { get; init; }

    public required TimeSpan TotalTimeout { get; init; }

    public int Niceness { get; init; } = FfmpegSandbox.UsualNiceness;

    /// <summary>Gets every line of standard output; true where the line shows that work went on.</summary>
    public Func<string, bool> OnLine { get; init; } = _ => true;
}

/// <summary>A run of ffmpeg between pipes, for as long as its caller wants it.</summary>
internal sealed record FfmpegPipeCommand
{
    public required IReadOnlyList<string> Arguments { get; init; }

    public required string WorkDir { get; init; }

    /// <summary>Only what fetches an input; nothing that parses more than its container.</summary>
    public bool HasNetwork { get; init; }

    /// <summary>Longest life: what bounds its CPU time.</summary>
    public required TimeSpan AtMost { get; init; }

    /// <summary>Replaced in its messages: addresses with keys in them.</summary>
    public string? Secret { get; init; }

    /// <summary>Gets every line of standard error; true where the line is no message.</summary>
    public Func<string, bool> OnLine { get; init; } = _ => false;
}

/// <summary>Arguments that every command starts with.</summary>
internal static class FfmpegArguments
{
    /// <summary>
    /// The source is untrusted: a playlist inside it names files and addresses to read. Only the file protocol, and only these demuxers,
    /// none of which opens a second file (mov's data references are off).
    /// </summary>
    public const string AllowedDemuxers =
        "mov,matroska,mpegts,avi,flv,ogg,mpeg,asf,mxf,ivf,dv,wav,w64,aiff,mp3,flac,aac,ac3,eac3,caf,amr";

    /// <summary>Before the name of an untrusted input whose demuxer is known.</summary>
    public static IEnumerable<string> Input(string demuxer) =>
        demuxer == "mov"
            ? ["-protocol_whitelist", "file", "-format_whitelist", AllowedDemuxers, "-f", demuxer, "-enable_drefs", "0", "-use_absolute_path", "0"]
            : ["-protocol_whitelist", "file", "-format_whitelist", AllowedDemuxers, "-f", demuxer];

    /// <summary>The protocol is spelled out, so that no name is taken for another protocol's address.</summary>
    public static string FileUrl(string path) => $"file:{path}";

    public static IReadOnlyList<string> Quiet { get; } =
        ["-hide_banner", "-nostdin", "-nostats", "-y", "-v", "error", "-progress", "pipe:1", "-stats_period", "0.5"];
}
