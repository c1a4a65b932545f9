using System.Collections.Concurrent;

namespace Testing.Media;

/// <summary>Generated sources, each made once in a run.</summary>
public static class Sources
{
    private static readonly Lazy<string> Folder = new(() =>
    {
        var path = Directory.CreateTempSubdirectory("media-tests-").FullName;
        if (!OperatingSystem.IsWindows()) // the product runs on Linux; the analyzer does not know
            File.SetUnixFileMode(path, (UnixFileMode)0b111_101_101);
        if (Environment.GetEnvironmentVariable("MEDIA_TESTS_KEEP") is null)
            AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(path, recursive: true);
        return path;
    });

    private static readonly ConcurrentDictionary<string, Lazy<Task<string>>> Made = new(StringComparer.Ordinal);

    private const string UsualSize = "320x180";
    private const string X264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    private const string Tone = "-c:a aac -b:a 96k";

    /// <summary>Name, file extension, picture, sound, and how they are encoded.</summary>
    private static readonly Dictionary<string, (string Extension, string Video, string Audio, string Encode)> Recipes = new(StringComparer.Ordinal)
    {
        ["29.97"] = ("mp4", Picture("30000/1001", 14), Sine(14), $"{X264} -bf 3 {Tone}"),
        ["23.976"] = ("mp4", Picture("24000/1001", 13), Sine(13), $"{X264} -bf 2 {Tone}"),
        ["25"] = ("mp4", Picture("25", 20), Sine(20), $"{X264} {Tone}"),
        ["50"] = ("mp4", Picture("50", 8), Sine(8), $"{X264} {Tone}"),
        ["60"] = ("mp4", Picture("60", 8), Sine(8), $"{X264} -bf 3 {Tone}"),
        ["vfr"] = ("mkv", Picture("60", 14, ",select='lt(t,4)+gte(t,4)*lt(t,9)*not(mod(n,2))+gte(t,9)*not(mod(n,3))'"), Sine(14),
            $"-fps_mode passthrough {X264} -bf 3 {Tone}"),
        ["slides"] = ("mkv", Picture("10", 24, ",select='lt(t,1)+eq(n,95)+eq(n,160)+gte(t,21)'"), Sine(24), $"-fps_mode passthrough {X264} -bf 3 {Tone}"),
        ["odd"] = ("mkv", Picture("25", 4, size: "427x241"), Sine(4), "-c:v ffv1 -pix_fmt yuv444p -c:a flac"),
        ["no-audio"] = ("mp4", Picture("25", 7), "", X264),
        ["audio-only"] = ("m4a", "", Sine(15), Tone),
        ["mp3"] = ("mp3", "", Sine(9), "-c:a libmp3lame"),
        ["5.1"] = ("mp4", Picture("25", 8), Sine(8, ",aformat=channel_layouts=mono,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0"), $"{X264} {Tone}"),
        ["open-gop"] = ("mp4", Picture("30", 14), Sine(14), $"-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -g 40 -x264-params open_gop=1 {Tone}"),
        ["hevc-10"] = ("mp4", Picture("30", 13), Sine(13), $"-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -x265-params log-level=none {Tone}"),
        ["hdr"] = ("mp4", Picture("24", 3), Sine(3),
            $"-c:v libx265 -preset ultrafast -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -x265-params log-level=none {Tone}"),
        ["vp9"] = ("webm", Picture("30", 9), Sine(9), "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 -b:v 300k -c:a libopus"),
        ["vp8"] = ("webm", Picture("30", 9), Sine(9), "-c:v libvpx -deadline good -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 -b:v 300k -c:a libvorbis"),
        ["ts"] = ("ts", Picture("30000/1001", 14), Sine(14), $"{X264} -bf 3 -g 50 -bsf:v h264_mp4toannexb {Tone}"),
        ["interlaced"] = ("ts", Picture("50", 8, ",tinterlace=interleave_top,fieldorder=tff"), Sine(8), $"-c:v mpeg2video -flags +ildct+ilme -b:v 2M -bf 2 -c:a mp2"),
        ["avi"] = ("avi", Picture("25", 13), Sine(13), "-c:v mpeg4 -bf 2 -q:v 5 -c:a libmp3lame"),
        ["mkv"] = ("mkv", Picture("30000/1001", 13), Sine(13), $"{X264} -bf 3 {Tone}"),
        ["flv"] = ("flv", Picture("30", 13), Sine(13, ",aformat=sample_rates=44100"), $"{X264} -bf 2 {Tone}"),
        ["mov-offset"] = ("mov", Picture("25", 8), Sine(8), $"-output_ts_offset 100 {X264} -bf 2 {Tone}"),
        ["short"] = ("mp4", Picture("30", 0.5), Sine(0.5), $"{X264} -bf 3 {Tone}"),
        ["one-frame"] = ("mp4", Picture("30", 0.033), "", X264),
        ["mono-44k"] = ("mp4", Picture("25", 7), Sine(7, ",aformat=sample_rates=44100:channel_layouts=mono"), $"{X264} {Tone}"),
        ["mono-8k"] = ("mkv", Picture("25", 8), Sine(8, ",aformat=sample_rates=8000:channel_layouts=mono"), $"{X264} -c:a flac"),
        ["22k"] = ("mp4", Picture("25", 13), Sine(13, ",aformat=sample_rates=22050"), $"{X264} {Tone}"),
        ["32k"] = ("mkv", Picture("25", 12), Sine(12, ",aformat=sample_rates=32000"), $"{X264} -c:a libmp3lame"),
        ["96k"] = ("mkv", Picture("25", 7), Sine(7, ",aformat=sample_rates=96000"), $"{X264} -c:a flac"),
        ["tiny"] = ("mp4", Picture("25", 3, size: "64x36"), "", X264),
    };

    public static string[] Names { get; } = [.. Recipes.Keys, "portrait", "two-tracks", "late-audio", "long-audio"];

    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="size">Of the picture; odd and tiny ones keep theirs.</param>
    public static async Task<string> GetAsync(string name, string size = UsualSize)
    {
        var file = size == UsualSize ? name : $"{name}-{size}";
        switch (name)
        {
            case "portrait":
                var upright = await MakeAsync($"upright-{size}", "mp4", [.. Inputs(Picture("30", 8, size: size), Sine(8)), .. $"{X264} -bf 3 {Tone}".Split(' ')]);
                return await MakeAsync(file, "mp4", ["-i", upright, "-c", "copy", "-metadata:s:v:0", "rotate=90"]);
            case "two-tracks":
                return await MakeAsync(file, "mkv",
                [
                    .. Inputs(Picture("25", 8, size: size), Sine(8)), "-f", "lavfi", "-i", Sine(8).Replace("440", "880", StringComparison.Ordinal), "-map", "0", "-map", "1", "-map", "2",
                    .. $"{X264} {Tone} -metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -metadata:s:a:1 title=Kommentar -disposition:a:1 default -disposition:a:0 0".Split(' '),
                ]);
            case "late-audio":
                return await MakeAsync(file, "mkv", ["-f", "lavfi", "-i", Picture("25", 9, size: size), "-itsoffset", "1.5", "-f", "lavfi", "-i", Sine(6), .. $"{X264} {Tone}".Split(' ')]);
            case "long-audio":
                return await MakeAsync(file, "mp4", [.. Inputs(Picture("25", 7, size: size), Sine(21)), .. $"{X264} {Tone}".Split(' ')]);
            default:
                var (extension, video, audio, encode) = Recipes[name];
                return await MakeAsync(file, extension, [.. Inputs(video.Replace($"s={UsualSize}", $"s={size}", StringComparison.Ordinal), audio), .. encode.Split(' ')]);
        }
    }

    public static Task<string> MakeAsync(string name, string extension, IEnumerable<string> arguments) =>
        Made.GetOrAdd($"{name}.{extension}", file => new(() => EncodeAsync(Path.Combine(Folder.Value, file), arguments))).Value;

    /// <summary>A real film, beside the repository on some machines; null elsewhere.</summary>
    public static string? FindClip()
    {
        var clip = Repository.PathOf("../shared/media/big-buck-bunny-480p-30s.mp4");
        return File.Exists(clip) ? Path.GetFullPath(clip) : Environment.GetEnvironmentVariable("MEDIA_TESTS_CLIP");
    }

    /// <summary>A new directory that any user may pass, as the engine asks for.</summary>
    public static string NewFolder(string name) => Directory.CreateDirectory(Path.Combine(Folder.Value, $"{name}-{Guid.NewGuid():N}")).FullName;

    public static string Picture(string rate, double seconds, string filters = "", string size = UsualSize) =>
        FormattableString.Invariant($"testsrc2=s={size}:r={rate}:d={seconds}{filters}");

    public static string Sine(double seconds, string filters = "") => FormattableString.Invariant($"sine=f=440:r=48000:d={seconds}{filters}");

    private static async Task<string> EncodeAsync(string path, IEnumerable<string> arguments)
    {
        await Tool.CheckedAsync("ffmpeg", ["-hide_banner", "-v", "error", "-nostdin", "-y", .. arguments, path]);
        return path;
    }

    private static string[] Inputs(string video, string audio) =>
        [.. new[] { video, audio }.Where(input => input.Length > 0).SelectMany(input => new[] { "-f", "lavfi", "-i", input })];
}
