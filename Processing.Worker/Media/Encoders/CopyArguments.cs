using System.Globalization;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Encoders;

/// <summary>The arguments that copy the picture and the sound of a source, whole, as the chunk and audio tasks would have encoded them. Pure.</summary>
internal static class CopyArguments
{
    public const string Picture = "picture.mp4";
    public const string Sound = "sound.mp4";

    public static IReadOnlyList<string> Build(MediaPlan plan, string sourcePath) =>
    [
        // A shift of whole seconds is exact in every time base; the origin is taken off in ticks.
        .. FfmpegArguments.Quiet, .. FfmpegArguments.Input(plan.Demuxer), "-copyts", "-itsoffset", OutputClock.ShiftSeconds.ToString(CultureInfo.InvariantCulture),
        "-i", FfmpegArguments.FileUrl(sourcePath),
        .. Track(plan.Video!.StreamIndex, ["-video_track_timescale", $"{VideoPlan.Timescale}", .. ChunkArguments.Muxer], Picture),
        .. plan.Audio.SelectMany(track => Track(track.StreamIndex, AudioArguments.FragmentedMuxer, Sound)),
    ];

    private static IEnumerable<string> Track(int stream, IEnumerable<string> muxer, string name) => ["-map", $"0:{stream}", "-c", "copy", .. muxer, name];
}
