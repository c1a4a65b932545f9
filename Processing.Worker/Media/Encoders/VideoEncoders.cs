using System.Globalization;
using Lifecycle.Contracts.Jobs;

namespace Processing.Worker.Media.Encoders;

/// <summary>
/// What each video encoder takes to make the same kind of stream: closed groups of pictures, an IDR frame where one is asked for and nowhere
/// else, a fixed number of threads, decodable in 8-bit 4:2:0. Pure.
/// </summary>
internal static class VideoEncoders
{
    /// <summary>VBV buffer in seconds of the maximum rate.</summary>
    private const double BufferSeconds = 1.5;

    /// <summary>A stretch of an average rate may take this much more.</summary>
    private const double PeakOfAverage = 1.5;

    /// <summary>x264's constant rate factor, and about the same picture's in the other encoders' scales.</summary>
    private const double HevcCrfOffset = 4;
    private const int Vp9Crf = 33;
    private const int Av1Crf = 38;

    /// <summary>The encoders whose forced key frames are exact; a chunk of the others is one segment.</summary>
    public static bool ForcesKeyFrames(string encoder) => encoder == "libx264";

    /// <exception cref="ArgumentException">There is no such encoder in the table.</exception>
    public static IReadOnlyList<string> Arguments(MediaSettings settings, RenditionPlan rendition, double frameRate) =>
        ["-c:v", settings.VideoCodec, "-threads", Text(settings.Threads), "-g", "9999", .. settings.VideoCodec switch
        {
            "libx264" => X264(settings, rendition, frameRate),
            "libx265" => X265(settings, rendition, frameRate),
            "libvpx-vp9" => Vp9(settings, rendition),
            "libsvtav1" => Av1(settings),
            var other => throw new ArgumentException($"No arguments are known for the encoder {other}.", nameof(settings)),
        }];

    private static string[] X264(MediaSettings settings, RenditionPlan rendition, double frameRate) =>
    [
        "-preset", settings.Preset, "-profile:v", "high", "-level:v", rendition.Level,
        .. settings.VideoBitrate is { } average ? ["-b:v", Text(average)] : (string[])["-crf", Text(settings.Crf)],
        .. Buffer(settings, rendition), "-forced-idr", "1",
        "-x264-params", $"open_gop=0:scenecut=0:fps={Thousandths(frameRate)}/1000",
    ];

    private static string[] X265(MediaSettings settings, RenditionPlan rendition, double frameRate) =>
    [
        "-preset", settings.Preset, "-tag:v", "hvc1",
        .. settings.VideoBitrate is { } average ? ["-b:v", Text(average)] : (string[])["-crf", Text(settings.Crf + HevcCrfOffset)],
        .. Buffer(settings, rendition), "-forced-idr", "1",
        "-x265-params", $"log-level=error:open-gop=0:scenecut=0:info=0:pools={Text(settings.Threads)}:frame-threads=1:fps={Thousandths(frameRate)}/1000",
    ];

    /// <summary>With a rate factor, VP9's bit rate is its maximum.</summary>
    private static string[] Vp9(MediaSettings settings, RenditionPlan rendition) =>
    [
        "-deadline", "good", "-cpu-used", Text(Math.Max(1, 8 - Place(settings))), "-row-mt", "0", "-auto-alt-ref", "1", "-lag-in-frames", "16",
        .. settings.VideoBitrate is { } average ? ["-b:v", Text(average)] : (string[])["-crf", Text(Vp9Crf), "-b:v", $"{rendition.MaxKbps}k"],
    ];

    private static string[] Av1(MediaSettings settings) =>
    [
        "-preset", Text(Math.Max(4, 12 - Place(settings))),
        .. settings.VideoBitrate is { } average
            ? ["-b:v", Text(average), "-svtav1-params", $"rc=1:scd=0:lp={Text(settings.Threads)}"]
            : (string[])["-crf", Text(Av1Crf), "-svtav1-params", $"scd=0:lp={Text(settings.Threads)}"],
    ];

    private static string[] Buffer(MediaSettings settings, RenditionPlan rendition)
    {
        var most = settings.VideoBitrate is { } average ? (long)(average * PeakOfAverage) : rendition.MaxKbps * 1000L;
        return ["-maxrate", Text(most), "-bufsize", Text((long)(most * BufferSeconds))];
    }

    private static int Place(MediaSettings settings) => Math.Max(0, TranscodeFormats.Presets.IndexOf(settings.Preset));

    private static int Thousandths(double frameRate) => (int)Math.Round(frameRate * 1000);

    private static string Text(IFormattable number) => number.ToString(null, CultureInfo.InvariantCulture);
}
