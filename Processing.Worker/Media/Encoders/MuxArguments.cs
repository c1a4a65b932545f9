using System.Globalization;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Encoders;

/// <summary>The arguments that put finished tracks into one file, or into a playlist and the file that it cuts. Nothing is encoded again. Pure.</summary>
internal static class MuxArguments
{
    public const string VideoInput = "video.mp4";

    public const string Playlist = "output.m3u8";

    private const string PlaylistMedia = "output.m4s";

    /// <summary>The route of the playlist ends with it: players ask for what it names below.</summary>
    private const string PlaylistBase = "output/";

    /// <summary>Key frames stand a segment apart: half of one cuts at each.</summary>
    private const double CutAfterShare = 0.5;

    public static string AudioInput(MediaPlan plan, int track) => $"audio-{track}.{(AudioArguments.IsSegmented(plan) ? "mp4" : "webm")}";

    /// <summary>What is written, the file to download first.</summary>
    public static IReadOnlyList<(string Name, string ContentType)> Outputs(string format) => format switch
    {
        "mp4" => [("output.mp4", "video/mp4")],
        "webm" => [("output.webm", "video/webm")],
        "mkv" => [("output.mkv", "video/x-matroska")],
        "hls" => [(Playlist, "application/vnd.apple.mpegurl"), (PlaylistMedia, "video/mp4")],
        _ => throw new ArgumentException($"No such format: {format}.", nameof(format)),
    };

    public static IReadOnlyList<string> Build(MediaPlan plan, string format)
    {
        var audio = plan.Audio.Take(format == "hls" ? 1 : plan.Audio.Count).ToList(); // a single playlist has one sound
        return
        [
            .. FfmpegArguments.Quiet, "-copyts", // else each input would begin at its own first frame
            .. plan.Video is null ? [] : Input("mov", VideoInput),
            .. audio.SelectMany((_, track) => AudioArguments.IsSegmented(plan)
                ? Input("mov", AudioInput(plan, track))
                : ["-itsoffset", $"-{OutputClock.ShiftSeconds}", .. Input("matroska", AudioInput(plan, track))]),
            .. Enumerable.Range(0, audio.Count + (plan.Video is null ? 0 : 1)).SelectMany(input => (string[])["-map", $"{input}:0"]),
            "-c", "copy", "-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact",
            .. audio.SelectMany((track, i) => (string[])[$"-metadata:s:a:{i}", $"title={track.Label}", $"-disposition:a:{i}", track.IsDefault ? "default" : "0"]),
            .. Container(plan, format),
        ];
    }

    /// <summary>ffmpeg's muxer puts the base before the segments' names, and forgets it before the initialization segment's.</summary>
    public static string Mend(string playlist) => playlist.Replace($"URI=\"{PlaylistMedia}\"", $"URI=\"{PlaylistBase}{PlaylistMedia}\"", StringComparison.Ordinal);

    public static IEnumerable<string> Input(string demuxer, string name) => ["-protocol_whitelist", "file", "-f", demuxer, "-i", FfmpegArguments.FileUrl(name)];

    private static string[] Container(MediaPlan plan, string format) => format switch
    {
        "mp4" => ["-movflags", "+faststart", "-f", "mp4", "output.mp4"],
        "webm" => ["-f", "webm", "output.webm"],
        "mkv" => ["-f", "matroska", "output.mkv"],
        _ =>
        [
            "-f", "hls", "-hls_time", (plan.Settings.SegmentSeconds * CutAfterShare).ToString(CultureInfo.InvariantCulture), "-hls_playlist_type", "vod",
            "-hls_segment_type", "fmp4", "-hls_flags", "single_file", "-hls_base_url", PlaylistBase, "-hls_segment_filename", PlaylistMedia, Playlist,
        ],
    };
}
