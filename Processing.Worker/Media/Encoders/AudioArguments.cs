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

    public static string OutputName(AudioTrackPlan track) => $"{track.Name}.mp4";

    public static IReadOnlyList<string> Build(MediaPlan plan, string sourcePath) =>
    [
        .. FfmpegArguments.Quiet, .. FfmpegArguments.Input(plan.Demuxer), "-copyts", "-vn", "-sn", "-dn", "-i", FfmpegArguments.FileUrl(sourcePath),
        .. plan.Audio.SelectMany(track => Track(plan, track)),
    ];

    private static IEnumerable<string> Track(MediaPlan plan, AudioTrackPlan track) =>
    [
        "-map", $"0:{track.StreamIndex}", "-c:a", "aac", "-profile:a", "aac_low", "-b:a", $"{track.Kbps}k", "-threads", "1",
        "-af", Filters(plan.OriginTicks, track),
        .. ChunkArguments.Muxer.Select(argument => argument.Replace("frag_keyframe", "frag_discont", StringComparison.Ordinal)),
        "-frag_duration", $"{FragmentMicroseconds}", OutputName(track),
    ];

    private static string Filters(long originTicks, AudioTrackPlan track)
    {
        var shift = ((OutputClock.ShiftTicks - originTicks) / (decimal)VideoPlan.Timescale).ToString("+0.000000;-0.000000", CultureInfo.InvariantCulture);
        var first = (long)OutputClock.ShiftSeconds * track.SampleRate;
        var layout = track.Channels == 1 ? "mono" : "stereo";
        return $"asetpts=PTS{shift}/TB,aresample={track.SampleRate}:async=1:first_pts={first},aformat=sample_fmts=fltp:sample_rates={track.SampleRate}:channel_layouts={layout}";
    }
}
