using System.Globalization;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Encoders;

/// <summary>
/// The arguments of a chunk's ffmpeg: one decode, one filter graph, all renditions. Pure.
/// Each frame belongs to exactly one chunk (trim by source time), keeps its time (passthrough), and each segment starts with an IDR frame
/// (forced at the segment's first frame, nowhere else), whichever worker encodes it.
/// </summary>
internal static class ChunkArguments
{
    public const string TilesName = "tiles.mjpeg";
    public const string PosterName = "poster.jpg";

    public static string OutputName(RenditionPlan rendition) => $"{rendition.Name}.mp4";

    /// <param name="seekSeconds">Where to start reading; null from the beginning of the file.</param>
    public static IReadOnlyList<string> Build(MediaPlan plan, ChunkPlan chunk, string sourcePath, double? seekSeconds)
    {
        var video = plan.Video!;
        var threads = plan.Settings.Threads.ToString(CultureInfo.InvariantCulture);
        return
        [
            .. FfmpegArguments.Quiet,
            "-filter_complex_threads", threads, "-threads", threads,
            .. FfmpegArguments.Input(plan.Demuxer), "-copyts", "-noaccurate_seek",
            .. seekSeconds is { } seek ? ["-ss", seek.ToString("0.000", CultureInfo.InvariantCulture)] : Array.Empty<string>(),
            "-i", FfmpegArguments.FileUrl(sourcePath),
            "-filter_complex", FilterGraph.Build(plan, chunk),
            .. video.Renditions.SelectMany((rendition, i) => Rendition(plan, chunk, rendition, i)),
            .. chunk.TileTicks.Count > 0 ? Image(FilterGraph.TilesLabel, TilesName, "5") : [],
            .. chunk.PosterTick is not null ? Image(FilterGraph.PosterLabel, PosterName, "3") : [],
        ];
    }

    private static IEnumerable<string> Rendition(MediaPlan plan, ChunkPlan chunk, RenditionPlan rendition, int index)
    {
        var colours = plan.Video!.Picture.Colours;
        return
        [
            "-map", $"[{FilterGraph.RenditionLabel(index)}]", "-pix_fmt", "yuv420p",
            .. VideoEncoders.Arguments(plan.Settings, rendition, plan.Video.FrameRate), .. ForcedKeyFrames(plan, chunk),
            "-colorspace", colours.Matrix, "-color_primaries", colours.Primaries, "-color_trc", colours.Transfer, "-color_range", "tv",
            "-fps_mode", "passthrough", "-enc_time_base", "-1", "-video_track_timescale", $"{VideoPlan.Timescale}",
            .. Muxer, OutputName(rendition),
        ];
    }

    /// <summary>One fragment for each segment: the encoder makes no key frame that was not asked for.</summary>
    private static IEnumerable<string> ForcedKeyFrames(MediaPlan plan, ChunkPlan chunk)
    {
        var cuts = plan.Video!.Segments.Skip(chunk.FirstSegment + 1).Take(chunk.SegmentCount - 1)
            .Select(segment => OutputClock.FromSource(segment.Cut, plan.OriginTicks)).ToList();
        return cuts.Count == 0 ? [] : ["-force_key_frames", string.Join(',', cuts)];
    }

    /// <summary>Bit-exact: no version strings and dates, so the same source gives the same bytes.</summary>
    public static IReadOnlyList<string> Muxer { get; } =
    [
        "-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact",
        "-avoid_negative_ts", "disabled", "-use_editlist", "0", "-f", "mp4", "-movflags", "+frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer",
    ];

    private static string[] Image(string label, string name, string quality) =>
    [
        "-map", $"[{label}]", "-c:v", "mjpeg", "-threads", "1", "-q:v", quality, "-fps_mode", "passthrough", "-fflags", "+bitexact", "-flags", "+bitexact",
        "-f", "mjpeg", name,
    ];
}
