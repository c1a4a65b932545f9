using System.Globalization;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Encoders;

/// <summary>
/// The arguments of the audio task's ffmpeg: every track, whole. Pure. Gaps in a track's timestamps become silence, and so does the time from 0 to
/// its start: players stall on a track that starts late.
/// </summary>
internal static class AudioArguments
{
    private const int FragmentMicroseconds = 2_000_000;

    /// <summary>Opus knows no 44.1 kHz.</summary>
    private const int OpusRate = 48_000;

    /// <summary>AAC is cut into segments at its frames; Opus stays whole, because WebM has no segments that we would need.</summary>
    public static bool IsSegmented(MediaPlan plan) => plan.Settings.AudioCodec == "aac";

    public static string OutputName(MediaPlan plan, AudioTrackPlan track) => $"{track.Name}.{(IsSegmented(plan) ? "mp4" : "webm")}";

    public static IReadOnlyList<string> Build(MediaPlan plan, string sourcePath) =>
    [
        .. FfmpegArguments.Quiet, .. FfmpegArguments.Input(plan.Demuxer), "-copyts", "-vn", "-sn", "-dn", "-i", FfmpegArguments.FileUrl(sourcePath),
        .. plan.Audio.SelectMany(track => Track(plan, track)),
    ];

    private static IEnumerable<string> Track(MediaPlan plan, AudioTrackPlan track) =>
    [
        "-map", $"0:{track.StreamIndex}", "-c:a", plan.Settings.AudioCodec, "-b:a", $"{track.Kbps}k", "-threads", "1",
        "-af", Filters(plan.OriginTicks, track, !IsSegmented(plan)), .. IsSegmented(plan) ? ["-profile:a", "aac_low", .. FragmentedMuxer] : Whole, OutputName(plan, track),
    ];

    public static IEnumerable<string> FragmentedMuxer =>
    [
        .. ChunkArguments.Muxer.Select(argument => argument.Replace("frag_keyframe", "frag_discont", StringComparison.Ordinal)),
        "-frag_duration", $"{FragmentMicroseconds}",
    ];

    private static IEnumerable<string> Whole => ["-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact", "-f", "webm"];

    private static string Filters(long originTicks, AudioTrackPlan track, bool isOpus)
    {
        var shift = ((OutputClock.ShiftTicks - originTicks) / (decimal)VideoPlan.Timescale).ToString("+0.000000;-0.000000", CultureInfo.InvariantCulture);
        var rate = isOpus ? OpusRate : track.SampleRate;
        var first = (long)OutputClock.ShiftSeconds * rate;
        var layout = track.Channels == 1 ? "mono" : "stereo";
        return $"asetpts=PTS{shift}/TB,aresample={rate},aresample={rate}:async=1:first_pts={first},aformat=sample_fmts={(isOpus ? "flt" : "fltp")}:sample_rates={rate}:channel_layouts={layout}";
    }
}
