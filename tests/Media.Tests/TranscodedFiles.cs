using System.Globalization;
using Processing.Worker.Media;
using Processing.Worker.Media.Encoders;

namespace Media.Tests;

/// <summary>What transcode jobs make: every codec in every container that takes it, through the same chunks as the workers run.</summary>
public sealed class TranscodedFiles
{
    private static readonly Dictionary<string, string> _names = new(StringComparer.Ordinal) { ["libx264"] = "h264", ["libx265"] = "hevc", ["libvpx-vp9"] = "vp9", ["libsvtav1"] = "av1" };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("libx264", "mp4", "29.97")]
    [InlineData("libx264", "mkv", "vfr")]
    [InlineData("libx264", "hls", "25")]
    [InlineData("libx264", "mp4", "5.1")]
    [InlineData("libx264", "mp4", "no-audio")]
    [InlineData("libx264", "mp4", "audio-only")]
    [InlineData("libx264", "mp4", "portrait")]
    [InlineData("libx265", "mp4", "29.97")]
    [InlineData("libx265", "mkv", "25")]
    [InlineData("libx265", "hls", "25")]
    [InlineData("libvpx-vp9", "webm", "29.97")]
    [InlineData("libvpx-vp9", "webm", "two-tracks")]
    [InlineData("libvpx-vp9", "mp4", "25")]
    [InlineData("libvpx-vp9", "hls", "25")]
    [InlineData("libsvtav1", "webm", "25")]
    [InlineData("libsvtav1", "mp4", "29.97")]
    [InlineData("libsvtav1", "mkv", "25")]
    [InlineData("libsvtav1", "hls", "29.97")]
    public async Task It_decodes_in_silence_with_every_frame_and_its_sound_in_place(string codec, string format, string source)
    {
        var path = await Sources.GetAsync(source);
        var (plan, muxed, folder) = await TranscodeAsync(path, codec, format, 120);
        var output = Path.Combine(folder, muxed.Files[^1].Name); // for HLS the file that the playlist cuts

        var (_, messages) = await Tool.RunAsync("ffmpeg", "-nostdin", "-v", "warning", "-i", output, "-map", "0", "-fps_mode", "passthrough", "-enc_time_base:v", "-1", "-f", "null", "-");
        Assert.Equal("", messages);
        if (plan.Video is { } video)
        {
            Assert.Equal((_names[codec], 120), (muxed.VideoCodec, Math.Min(muxed.Width, muxed.Height)));
            Assert.Equal(video.Frames, (await Tool.ProbeAsync(output, "v:0", "frame=pts_time")).Count);
            await CheckFirstFramesAsync(path, output);
        }

        Assert.Equal(plan.Audio.Count == 0 ? null : format == "webm" ? "opus" : "aac", muxed.AudioCodec);
        Assert.InRange(muxed.DurationSeconds, plan.DurationSeconds - 0.1, plan.DurationSeconds + 0.1);
    }

    [Fact]
    public async Task An_HLS_output_plays_from_its_playlist()
    {
        var (plan, muxed, folder) = await TranscodeAsync(await Sources.GetAsync("25"), "libx264", "hls", 120);
        Directory.CreateDirectory(Path.Combine(folder, "output"));
        File.Move(Path.Combine(folder, "output.m4s"), Path.Combine(folder, "output", "output.m4s"));
        Assert.Equal(["output.m3u8", "output.m4s"], muxed.Files.Select(file => file.Name));
        var frames = await Tool.ProbeAsync(["-i", Path.Combine(folder, "output.m3u8")], "v:0", "packet=pts_time");
        Assert.Equal(plan.Video!.Frames, frames.Count);
        var playlist = await File.ReadAllTextAsync(Path.Combine(folder, "output.m3u8"), Ct);
        Assert.Equal(plan.Video.Segments.Count, playlist.Split("#EXTINF").Length - 1);
        Assert.Contains("#EXT-X-BYTERANGE", playlist, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("libx264")]
    [InlineData("libx265")]
    [InlineData("libvpx-vp9")]
    [InlineData("libsvtav1")]
    public async Task A_bit_rate_that_was_asked_for_is_met(string codec)
    {
        const long Asked = 300_000;
        var source = await Sources.MakeAsync(
            "noisy-rate", "mp4", ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=13,noise=alls=40:allf=t", "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
        var (_, muxed, _) = await TranscodeAsync(source, codec, "mp4", 180, Asked);
        Assert.InRange(muxed.Files[0].Bytes * 8 / muxed.DurationSeconds, Asked * 0.6, Asked * 1.4);
    }

    [Fact]
    public async Task A_size_above_the_source_s_is_the_source_s()
    {
        var (plan, muxed, _) = await TranscodeAsync(await Sources.GetAsync("25", "320x180"), "libx264", "mp4", 1080);
        Assert.Equal((320, 180), (muxed.Width, muxed.Height));
        Assert.Single(plan.Video!.Renditions);
    }

    /// <summary>The picture's first frames lie where the source's do beside its sound.</summary>
    private static async Task CheckFirstFramesAsync(string source, string output)
    {
        var (before, after) = (await OffsetAsync(source), await OffsetAsync(output));
        Assert.InRange(after, before - 0.05, before + 0.05);
    }

    private static async Task<double> OffsetAsync(string path)
    {
        var video = (await Tool.ProbeAsync(path, "v:0", "frame=pts_time")).Select(Seconds).Min();
        var audio = (await Tool.ProbeAsync(path, "a:0", "frame=pts_time")).Select(Seconds).DefaultIfEmpty(video).Min();
        return video - audio;
    }

    private static double Seconds(string text) => double.Parse(text.Split(',')[0], CultureInfo.InvariantCulture);

    private static async Task<(MediaPlan Plan, MuxedOutput Output, string Folder)> TranscodeAsync(string source, string codec, string format, int shortSide, long? bitrate = null)
    {
        MediaSettings settings = new()
        {
            Preset = "superfast", VideoCodec = codec, VideoBitrate = bitrate, AudioCodec = format == "webm" ? "libopus" : "aac", Ladder = [new(shortSide, 600)],
            StoryboardTiles = 0, PosterCandidates = 0,
        };
        var (plan, chunks, audio, paths) = await Pipeline.EncodeAsync(source, settings);
        var folder = Sources.NewFolder("output");
        var output = await new OutputMuxer(Pipeline.Ffmpeg).MuxAsync(plan, format, chunks, folder, async workDir =>
        {
            if (plan.Video is not null)
            {
                await JoinAsync(Path.Combine(workDir, MuxArguments.VideoInput), chunks.OrderBy(chunk => chunk.Index).SelectMany((chunk, i) => chunk.Renditions[0].Files.Skip(i == 0 ? 0 : 1)), paths);
            }

            for (var track = 0; track < plan.Audio.Count; track++)
            {
                await JoinAsync(Path.Combine(workDir, MuxArguments.AudioInput(plan, track)), AudioArguments.IsSegmented(plan) ? audio!.Tracks[track].Files : [audio!.Whole[track]], paths);
            }
        }, null, Ct);
        return (plan, output, folder);
    }

    private static async Task JoinAsync(string path, IEnumerable<MediaFile> files, Dictionary<MediaFile, string> paths)
    {
        await using var target = File.Create(path);
        foreach (var file in files)
        {
            await using var part = File.OpenRead(paths[file]);
            await part.CopyToAsync(target, Ct);
        }
    }
}
