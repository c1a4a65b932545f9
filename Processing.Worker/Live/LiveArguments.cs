using System.Globalization;
using Processing.Worker.Media;
using Processing.Worker.Media.Encoders;

namespace Processing.Worker.Live;

/// <summary>
/// The arguments of a generation's two processes. The puller only repacks: what parses pictures has no network. The encoder makes all tracks in one
/// stream of small fragments; <see cref="SegmentCutter"/> cuts it at its key frames.
/// </summary>
internal static class LiveArguments
{
    /// <summary>Output time of the input's first sample: the audio encoder's first frame stands before it, and there are no negative times.</summary>
    public const int OffsetSeconds = 10;

    /// <summary>Longest wait for a fragment beside the segment itself.</summary>
    private const int FragmentMicroseconds = 200_000;

    /// <summary>ffmpeg would look for a second stream for seconds; an input without sound is known after this. The rate of pictures is not asked: that took 1.5 s more.</summary>
    private const int AnalyzeMicroseconds = 1_000_000;

    /// <summary>VBV buffer in seconds of the maximum rate: short, so that a segment of 2 s stays near the rate that the playlist states.</summary>
    private const double BufferSeconds = 0.5;

    /// <summary>Debian's; where there is none, the TLS library knows its own place.</summary>
    private const string SystemCaFile = "/etc/ssl/certs/ca-certificates.crt";

    /// <summary>An input of its own: a filter without an input would not end with the picture (measured with ffmpeg 5.1).</summary>
    internal static readonly string[] Silence = ["-f", "lavfi", "-i", $"anullsrc=r={LivePlan.AudioRate}:cl=stereo"];

    private static readonly string[] _quiet = ["-hide_banner", "-nostats", "-v", "error"];

    /// <summary>Bits per second of a segment at most, containers and all.</summary>
    public static int Bandwidth(RenditionPlan rendition) => (int)(rendition.MaxKbps * 1000 * (1 + BufferSeconds / 2) * 1.03);

    public static int AudioBandwidth => LivePlan.AudioKbps * 1100;

    /// <summary>Without <c>nobuffer</c>: with it ffmpeg 5.1 drops what it has looked at, the broadcast's first seconds.</summary>
    /// <param name="url">rtmp, rtmps or srt; it may carry a key.</param>
    /// <param name="caFile">Whom rtmps trusts; empty: whom the system trusts.</param>
    public static IReadOnlyList<string> Puller(string url, string caFile) =>
    [
        .. _quiet, "-nostdin", "-protocol_whitelist", ProtocolsOf(url), .. Trust(url, caFile), "-analyzeduration", $"{AnalyzeMicroseconds}", "-probesize", "5000000", "-fpsprobesize", "0",
        .. url.StartsWith("srt:", StringComparison.OrdinalIgnoreCase) ? ["-f", "mpegts"] : (string[])["-f", "flv"],
        "-i", url, "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-max_interleave_delta", "500000",
        "-f", "mpegts", "-muxdelay", "0", "-muxpreload", "0", "-flush_packets", "1", "pipe:1",
        // A line for each picture, for ParameterWatch; a transport stream has its parameters within.
        .. url.StartsWith("srt:", StringComparison.OrdinalIgnoreCase) ? [] : (string[])["-map", "0:v:0", "-c", "copy", "-flush_packets", "1", "-f", "framehash", "-hash", "adler32", "pipe:2"],
    ];

    /// <param name="preset">x264's.</param>
    public static IReadOnlyList<string> Encoder(LivePlan plan, string preset) =>
    [
        .. Input("pipe:0", "pipe"), .. plan.HasAudio ? [] : Silence, "-filter_complex", Filters(plan),
        .. plan.Renditions.SelectMany((rendition, i) => Rendition(plan, rendition, i, preset)),
        "-map", plan.HasAudio ? "[a]" : "1:a:0", "-c:a", "aac", "-profile:a", "aac_low", "-b:a", $"{LivePlan.AudioKbps}k",
        .. plan.HasAudio ? [] : (string[])["-shortest"], "-map_metadata", "-1", "-fflags", "+bitexact", "-flags", "+bitexact",
        "-avoid_negative_ts", "disabled", "-output_ts_offset", $"{OffsetSeconds}", "-use_editlist", "0", "-max_interleave_delta", "2000000", "-flush_packets", "1",
        "-f", "mp4", "-frag_duration", $"{FragmentMicroseconds}", "-movflags", "+empty_moov+default_base_moof+separate_moof+frag_discont+skip_trailer", "pipe:1",
    ];

    /// <summary>One thread for everything: a slot is a core.</summary>
    public static IEnumerable<string> Input(string name, string protocol) =>
    [
        .. _quiet, "-protocol_whitelist", protocol, "-format_whitelist", "mpegts", "-f", "mpegts", "-probesize", "1000000", "-analyzeduration", "1000000",
        "-threads", "1", "-filter_complex_threads", "1", "-i", name,
    ];

    private static string Filters(LivePlan plan)
    {
        List<string> graph = [$"[0:v:0]{(plan.Picture.Interlaced ? "bwdif=mode=send_frame:parity=auto:deint=interlaced," : "")}fps=fps={plan.Rate}:start_time=0"];
        for (var i = 0; i < plan.Renditions.Count; i++)
        {
            var rendition = plan.Renditions[i];
            var last = i == plan.Renditions.Count - 1;
            var from = i == 0 ? $"{graph[0]},{FilterGraph.First(plan.Picture, rendition)}" : $"[n{i - 1}]{FilterGraph.Scale(rendition.Width, rendition.Height)}";
            var chain = $"{from},setsar=1{(last ? $"[r{i}]" : $",split=2[r{i}][n{i}]")}";
            if (i == 0)
                graph[0] = chain;
            else
                graph.Add(chain);
        }

        // Gaps in the input's sound become silence, and so does the time from 0 to its start.
        if (plan.HasAudio)
            graph.Add($"[0:a:0]aresample={LivePlan.AudioRate}:async=1000:first_pts=0,aformat=channel_layouts=stereo[a]");
        return string.Join(';', graph);
    }

    private static IEnumerable<string> Rendition(LivePlan plan, RenditionPlan rendition, int index, string preset)
    {
        var colours = plan.Picture.Colours;
        var frames = plan.Rate.SegmentFrames.ToString(CultureInfo.InvariantCulture);
        return
        [
            "-map", $"[r{index}]", $"-c:v:{index}", "libx264", "-pix_fmt", "yuv420p", "-preset", preset, "-profile:v", "high", $"-level:v:{index}", rendition.Level, "-threads", "1", "-bf", "0",
            "-g", frames, "-keyint_min", frames, "-sc_threshold", "0", "-x264-params", "open_gop=0:scenecut=0:rc-lookahead=10", "-crf", "23",
            $"-maxrate:v:{index}", $"{rendition.MaxKbps}k", $"-bufsize:v:{index}", $"{(int)(rendition.MaxKbps * BufferSeconds)}k",
            "-colorspace", colours.Matrix, "-color_primaries", colours.Primaries, "-color_trc", colours.Transfer, "-color_range", "tv", "-video_track_timescale", $"{VideoPlan.Timescale}",
        ];
    }

    /// <summary>Left alone, ffmpeg takes any certificate. Debian's, with GnuTLS, checks the name in it as well.</summary>
    private static IEnumerable<string> Trust(string url, string caFile) =>
        url.StartsWith("rtmps:", StringComparison.OrdinalIgnoreCase) ? ["-tls_verify", "1", .. CaFile(caFile) is { } file ? ["-ca_file", file] : (string[])[]] : [];

    private static string? CaFile(string named) => named.Length > 0 ? named : File.Exists(SystemCaFile) ? SystemCaFile : null;

    private static string ProtocolsOf(string url) => url.Split(':')[0].ToLowerInvariant() switch
    {
        "rtmp" => "rtmp,tcp",
        "rtmps" => "rtmps,tls,tcp",
        "srt" => "srt,udp",
        _ => throw new InputRefusedException("The address is none of rtmp, rtmps and srt."),
    };
}
