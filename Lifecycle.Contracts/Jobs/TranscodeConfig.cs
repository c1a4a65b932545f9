using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Lifecycle.Contracts.Jobs;

/// <summary>What a job is for; the names in the database are the lower-case ones.</summary>
public enum JobKind
{
    /// <summary>The video's own processing: its end makes the video READY, its failure FAILED.</summary>
    Ingest,

    /// <summary>One file that somebody asked for; the video does not notice.</summary>
    Transcode,

    /// <summary>The video in pieces of ten seconds on the chunk store's nodes; the video does not notice.</summary>
    Distribute,

    /// <summary>A READY version's segments on the chunk store's nodes, beside S3; the video does not notice.</summary>
    Edge,
}

/// <summary>What a transcode job makes, as seed 004's request asks for it.</summary>
/// <param name="Resolution">One of <see cref="TranscodeFormats.Resolutions"/>: the shorter side; null: the source's size. Never above the source.</param>
/// <param name="OutputFormat">One of <see cref="TranscodeFormats.Codecs"/>' keys.</param>
/// <param name="Codec">ffmpeg's name of the video encoder.</param>
/// <param name="Bitrate">Average video bit rate in bit/s; null: constant quality under the resolution's usual maximum.</param>
/// <param name="Preset">One of <see cref="TranscodeFormats.Presets"/>; null: the worker's.</param>
public sealed record TranscodeConfig(string? Resolution, string OutputFormat, string Codec, long? Bitrate, string? Preset);

/// <summary>A file that a job has made.</summary>
/// <param name="Name">Under <c>/jobs/{id}/output/</c>; the first file is the output itself.</param>
/// <param name="Sha256">Lower-case hexadecimal.</param>
public sealed record JobFile(string Name, string Key, long Bytes, string Sha256, string ContentType);

/// <summary>What a completed transcode job has made, measured on the file.</summary>
/// <param name="DurationSeconds">Of the longest track.</param>
/// <param name="Width">0 without a picture.</param>
/// <param name="VideoCodec">As ffprobe names it; null without a picture.</param>
public sealed record JobOutput(IReadOnlyList<JobFile> Files, double DurationSeconds, int Width, int Height, string? VideoCodec, string? AudioCodec);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(TranscodeConfig))]
[JsonSerializable(typeof(JobOutput))]
public sealed partial class JobJson : JsonSerializerContext;

/// <summary>The table of what can be asked for. Which of the codecs there are is the workers' ffmpeg's to say.</summary>
public static class TranscodeFormats
{
    /// <summary>The video codecs that each container takes; the first is its default.</summary>
    public static FrozenDictionary<string, string[]> Codecs { get; } = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["mp4"] = ["libx264", "libx265", "libvpx-vp9", "libsvtav1"],
        ["webm"] = ["libvpx-vp9", "libsvtav1"],
        ["mkv"] = ["libx264", "libx265", "libvpx-vp9", "libsvtav1"],
        ["hls"] = ["libx264", "libx265", "libvpx-vp9", "libsvtav1"],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    public static IReadOnlyList<string> AllCodecs { get; } = Codecs["mp4"];

    /// <summary>By name, with the shorter side in pixels.</summary>
    public static FrozenDictionary<string, int> Resolutions { get; } =
        new[] { 2160, 1440, 1080, 720, 480, 360, 240 }.ToFrozenDictionary(side => $"{side}p", StringComparer.Ordinal);

    /// <summary>x264's, slowest last; the other encoders' numbers are derived from their place.</summary>
    public static ImmutableArray<string> Presets { get; } = ["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower", "veryslow"];

    public const string DefaultFormat = "mp4";

    /// <summary>Bounds of a bit rate in bit/s: below, no codec makes a picture; above, no rung of 2160p needs more.</summary>
    public static (long Least, long Most) Bitrates => (50_000, 200_000_000);

    /// <summary>
    /// Worker slots that an encode of this codec and size takes: one is an H.264 encode of up to 1080p, measured with veryfast
    /// beside which the others take two to four times the memory and time.
    /// </summary>
    public static int SlotsOf(string codec, long pixels) => (codec == "libx264" ? 1 : 2) * (pixels > 1920L * 1088 ? 2 : 1);
}
