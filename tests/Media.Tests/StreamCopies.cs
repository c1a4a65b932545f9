using System.Globalization;
using Processing.Worker.Distribution;
using Processing.Worker.Media;
using Processing.Worker.Media.Encoders;
using Storage.Fabric;

namespace Media.Tests;

/// <summary>Sources on their way to the chunk store: what fits is copied, the rest is encoded, and either way the chunks play alone and together.</summary>
public sealed class StreamCopies
{
    private const string X264 = "-c:v libx264 -preset ultrafast -pix_fmt yuv420p";
    private const string Tone = "-c:a aac -b:a 96k";

    private static readonly MediaSettings _settings = new()
    {
        Preset = "ultrafast", Ladder = [new(180, 300)], SegmentSeconds = ChunkLimits.ChunkSeconds, CopiedSegmentBytes = ChunkLimits.ChunkBytes, MaxAudioTracks = 1, StoryboardTiles = 0, PosterCandidates = 0,
    };

    private static readonly Dictionary<string, (string Extension, double Seconds, string Filters, string Encode)> _recipes = new(StringComparer.Ordinal)
    {
        ["two seconds a group"] = ("mp4", 34, "", $"{X264} -bf 0 -g 50 {Tone}"),
        ["reordered pictures"] = ("mp4", 34, "", $"-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -g 125 -x264-params b-pyramid=normal:scenecut=0 {Tone}"),
        ["reordered pictures in mkv"] = ("mkv", 34, "", $"-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -g 50 {Tone}"),
        ["fractional rate"] = ("mov", 34, ",fps=30000/1001", $"{X264} -bf 2 -g 60 {Tone}"),
        ["mono at 44100"] = ("mp4", 23, "", $"{X264} -g 50 {Tone} -ar 44100 -ac 1"),
        ["key frames only"] = ("mp4", 12, "", $"{X264} -g 1 -b:v 800k -maxrate 800k -bufsize 400k {Tone}"),
        ["no sound"] = ("mp4", 22, "", $"{X264} -g 50 -an"),
        ["late by 100 s"] = ("mov", 22, "", $"-output_ts_offset 100 {X264} -bf 2 -g 50 {Tone}"),
        ["bitrate too high"] = ("mp4", 24, ",noise=alls=60:allf=t", $"{X264} -b:v 3M -minrate 3M -maxrate 3M -bufsize 3M -g 50 {Tone}"),
        ["one second too high"] = ("mp4", 24, ",noise=alls=80:allf=t:enable='between(t,12,15)'", $"{X264} -g 50 -crf 4 {Tone}"),
        ["group of 32 s"] = ("mp4", 33, "", $"{X264} -g 9999 -x264-params scenecut=0 {Tone}"),
        ["group of 8.3 s"] = ("mp4", 36, "", $"{X264} -g 208 -x264-params scenecut=0 {Tone}"),
        ["open groups"] = ("mp4", 34, "", $"-c:v libx264 -preset veryfast -pix_fmt yuv420p -bf 3 -g 50 -x264-params open_gop=1 {Tone}"),
        ["vp9"] = ("webm", 12, "", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 300k -g 50 -c:a libopus"),
        ["transport stream"] = ("ts", 22, "", $"{X264} -g 50 {Tone}"),
        ["ten bits"] = ("mp4", 12, "", $"-c:v libx264 -preset ultrafast -pix_fmt yuv420p10le -g 50 {Tone}"),
        ["full range"] = ("mp4", 12, "", $"-c:v libx264 -preset ultrafast -pix_fmt yuvj420p -color_range pc -g 50 {Tone}"),
        ["mp3 sound"] = ("mp4", 12, "", $"{X264} -g 50 -c:a libmp3lame"),
        ["six channels"] = ("mp4", 12, "", $"{X264} -g 50 {Tone} -ac 6"),
        ["parameters in the stream"] = ("mp4", 12, "", $"{X264} -g 50 -bsf:v dump_extra {Tone}"),
        ["interlaced"] = ("mp4", 12, ",tinterlace=interleave_top,fieldorder=tff", $"{X264} -flags +ildct+ilme -g 50 {Tone}"),
    };

    public static TheoryData<string> Fitting => [.. _recipes.Keys.Take(8)];

    public static TheoryData<string> Others => [.. _recipes.Keys.Skip(8)];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Fitting))]
    public async Task What_fits_is_copied_picture_by_picture(string name)
    {
        var source = await SourceAsync(name);
        var (plan, whole, chunks) = await CutAsync(source);
        Assert.NotNull(plan.Copied);
        Assert.Empty(plan.Chunks);
        Assert.False(plan.NeedsAudioTask);
        await CheckAsync(source, whole, chunks);

        // The coded pictures are the source's own, and so is the sound behind its encoder's priming.
        Assert.Equal(await HashesAsync(source, "v:0"), await HashesAsync(whole, "v:0"));
        var sound = await HashesAsync(whole, "a:0");
        Assert.Equal((await HashesAsync(source, "a:0")).TakeLast(sound.Count), sound);
    }

    [Theory]
    [MemberData(nameof(Others))]
    public async Task What_does_not_fit_is_encoded(string name)
    {
        var source = await SourceAsync(name);
        var (plan, whole, chunks) = await CutAsync(source);
        Assert.Null(plan.Copied);
        Assert.NotEmpty(plan.Chunks);
        await CheckAsync(source, whole, chunks);
    }

    [Fact]
    public async Task Sound_with_a_gap_or_a_late_start_is_encoded()
    {
        var late = await Sources.GetAsync("late-audio");
        Assert.Null((await PlanAsync(late, Sources.NewFolder("run"))).Copied);
        var longer = await Sources.GetAsync("long-audio");
        Assert.Null((await PlanAsync(longer, Sources.NewFolder("run"))).Copied);
        var turned = await Sources.GetAsync("portrait");
        Assert.Null((await PlanAsync(turned, Sources.NewFolder("run"))).Copied);
    }

    [Fact]
    public async Task An_edit_list_that_begins_within_a_group_is_not_copied()
    {
        var source = await SourceAsync("two seconds a group");
        var cut = await Sources.MakeAsync("copies-edited", "mp4", ["-ss", "3.2", "-i", source, "-c", "copy"]);
        Assert.Null((await PlanAsync(cut, Sources.NewFolder("run"))).Copied);
    }

    [Fact]
    public async Task Parameters_that_change_are_encoded()
    {
        var first = await SourceAsync("two seconds a group");
        var other = await Sources.MakeAsync("copies-other", "mp4", ["-f", "lavfi", "-i", Sources.Picture("25", 14), "-f", "lavfi", "-i", Sources.Sine(14), .. $"{X264} -bf 0 -g 50 -x264-params cabac=0:ref=4:scenecut=0 {Tone}".Split(' ')]);
        var list = Path.Combine(Sources.NewFolder("list"), "list.txt");
        await File.WriteAllTextAsync(list, $"file '{first}'\nfile '{other}'\n", Ct);
        var joined = await Sources.MakeAsync("copies-joined", "mp4", ["-f", "concat", "-safe", "0", "-i", list, "-c", "copy"]);
        Assert.Null((await PlanAsync(joined, Sources.NewFolder("run"))).Copied);
    }

    [Fact]
    public async Task Sound_alone_is_cut_every_ten_seconds()
    {
        var source = await Sources.MakeAsync("copies-sound", "m4a", ["-f", "lavfi", "-i", Sources.Sine(41), .. Tone.Split(' ')]);
        var (_, _, chunks) = await CutAsync(source);
        var starts = await Task.WhenAll(chunks.Select(async chunk => (await Tool.ProbeAsync(chunk, "a:0", "packet=pts_time"))[0]));
        Assert.Equal([0, 10, 20, 30], starts.Select(start => Math.Round(double.Parse(start, CultureInfo.InvariantCulture), 1)));
    }

    private static Task<string> SourceAsync(string name)
    {
        var (extension, seconds, filters, encode) = _recipes[name];
        return Sources.MakeAsync($"copies-{name}", extension, ["-f", "lavfi", "-i", Sources.Picture("25", seconds, filters), "-f", "lavfi", "-i", Sources.Sine(seconds), .. encode.Split(' ')]);
    }

    private static Task<MediaPlan> PlanAsync(string source, string folder) => new MediaPlanner(Pipeline.Ffmpeg).PlanAsync(source, folder, _settings, null, Ct);

    /// <summary>As the distribution does it: the tracks, then the cutter.</summary>
    private static async Task<(MediaPlan Plan, string Whole, IReadOnlyList<string> Chunks)> CutAsync(string source)
    {
        var root = Sources.NewFolder("run");
        var (plan, chunks, audio, files) = await Pipeline.EncodeAsync(source, _settings, root);
        var cut = await new ChunkCutter(Pipeline.Ffmpeg).CutAsync(plan, root, async folder =>
        {
            await WriteAsync(Path.Combine(folder, MuxArguments.VideoInput), chunks.OrderBy(chunk => chunk.Index).SelectMany((chunk, i) => chunk.Renditions[0].Files.Skip(i == 0 ? 0 : 1)), files);
            if (audio is not null)
                await WriteAsync(Path.Combine(folder, MuxArguments.AudioInput(plan, 0)), audio.Tracks[0].Files, files);
        }, Ct);

        var whole = Path.Combine(root, "whole.mp4");
        await using var joined = File.Create(whole);
        foreach (var path in cut)
            await joined.WriteAsync(await File.ReadAllBytesAsync(path, Ct), Ct);
        return (plan, whole, cut);
    }

    private static async Task WriteAsync(string path, IEnumerable<MediaFile> parts, Dictionary<MediaFile, string> files)
    {
        await using var target = File.Create(path);
        foreach (var part in parts)
            await target.WriteAsync(await File.ReadAllBytesAsync(files[part], Ct), Ct);
    }

    private static async Task CheckAsync(string source, string whole, IReadOnlyList<string> chunks)
    {
        var seconds = (await TimesAsync(source)).Count / (await RateAsync(source));
        Assert.Equal(Math.Max(1, (int)Math.Round((seconds / ChunkLimits.ChunkSeconds) + (1.0 / 3))), chunks.Count);
        foreach (var (i, chunk) in chunks.Index())
        {
            Assert.InRange(new FileInfo(chunk).Length, 1, ChunkLimits.ChunkBytes);
            await Tool.CheckedAsync("ffmpeg", "-v", "error", "-xerror", "-i", chunk, "-f", "null", "-");
            var times = await TimesAsync(chunk);
            Assert.InRange(times[0], (ChunkLimits.ChunkSeconds * i) - 1.001, (ChunkLimits.ChunkSeconds * i) + 1.001);
        }

        await Tool.CheckedAsync("ffmpeg", "-v", "error", "-xerror", "-i", whole, "-f", "null", "-");
        var (expected, played) = (await TimesAsync(source), await TimesAsync(whole));
        Assert.Equal(expected.Count, played.Count);
        Assert.All(expected.Zip(played), pair => Assert.Equal(pair.First - expected[0], pair.Second, 0.0015));
    }

    private static async Task<double> RateAsync(string path)
    {
        var times = await TimesAsync(path);
        return (times.Count - 1) / (times[^1] - times[0]);
    }

    private static async Task<List<double>> TimesAsync(string path) =>
        [.. (await Tool.ProbeAsync(path, "v:0", "frame=best_effort_timestamp_time")).Select(line => double.Parse(line.Split(',')[0], CultureInfo.InvariantCulture)).Order()];

    private static async Task<List<string>> HashesAsync(string path, string stream)
    {
        var (output, _) = await Tool.RunAsync("ffprobe", "-v", "error", "-i", path, "-select_streams", stream, "-show_packets", "-show_data_hash", "sha256", "-show_entries", "packet=data_hash", "-of", "csv=p=0");
        return [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split(',')[0])];
    }
}
