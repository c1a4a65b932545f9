using System.Buffers.Binary;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Processing.Worker.Live;
using Processing.Worker.Media;
using Processing.Worker.Media.Boxes;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Tasks;
using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>What the live encoder makes of inputs of all kinds, without a network and stores: probe, plan, encoder, cutter.</summary>
public sealed class Encoding
{
    private static readonly FfmpegRunner _ffmpeg = new(TimeProvider.System, FfmpegPrograms.OnPath, NullLogger<FfmpegRunner>.Instance);

    /// <summary>Where the generation begins: everything is shifted by as much.</summary>
    private const long Behind = 12_345_679;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Name, how many pictures of which length a whole segment has, and how long the input is.</summary>
    public static TheoryData<string, int, double, double> Inputs => new()
    {
        { "25", 50, 2, 20 }, { "50", 100, 2, 8 }, { "29.97", 60, 2.002, 14 }, { "23.976", 48, 2.002, 13 }, { "60", 120, 2, 8 }, { "vfr", 120, 2, 14 }, { "portrait", 60, 2, 8 }, { "no-audio", 50, 2, 7 },
        { "odd-live", 50, 2, 4 }, { "tiny", 50, 2, 3 }, { "interlaced", 50, 2, 8 }, { "mono-44k", 50, 2, 7 }, { "late-live", 50, 2, 8 }, { "5.1", 50, 2, 8 }, { "open-gop", 60, 2, 14 },
    };

    [Theory]
    [MemberData(nameof(Inputs))]
    public async Task Segments_are_aligned_and_exact_and_decode_with_all_pictures(string name, int frames, double seconds, double length)
    {
        var (plan, sets) = await EncodeAsync(await TransportStreamAsync(name), null);
        var folder = Sources.NewFolder("live");
        Assert.Equal(plan.Renditions.Count + 1, sets[0].Count);
        for (var track = 0; track < sets[0].Count; track++)
        {
            var segments = sets.Select(set => set[track]).ToList();
            Assert.Equal(0, segments[0].Start);
            Assert.All(segments.Zip(segments.Skip(1)), pair => Assert.Equal(pair.First.Start + pair.First.Length, pair.Second.Start));
            Assert.All(segments, segment => Assert.Equal((Behind * segment.Init.Timescale / 1000) + segment.Start, DecodeTimeOf(segment)));
            if (track < plan.Renditions.Count)
            {
                Assert.All(segments.SkipLast(1), segment => Assert.Equal(seconds, segment.Seconds, 6));
            }

            var path = Path.Combine(folder, $"{track}.mp4");
            await using (FileStream file = new(path, FileMode.Create))
            {
                await file.WriteAsync(segments[0].Init.Content, Ct);
                foreach (var segment in segments)
                {
                    await file.WriteAsync(segment.Content, Ct);
                }
            }

            var packets = await LiveFiles.DecodeAsync(path);
            var expected = track < plan.Renditions.Count ? length * frames / seconds : length * LivePlan.AudioRate / 1024;
            Assert.InRange(packets, expected - (track < plan.Renditions.Count ? 0.2 * frames : 12), expected + (track < plan.Renditions.Count ? 0.2 * frames : 12));
        }
    }

    [Theory]
    [InlineData(1920, 1080, 30, null, "480p 240p")]
    [InlineData(1920, 1080, 30, 10_000_000L, "480p 240p")]
    [InlineData(1920, 1080, 30, 100_000_000L, "720p 480p 240p")]
    [InlineData(1920, 1080, 30, 400_000_000L, "1080p 720p 480p 240p")]
    [InlineData(640, 360, 30, 400_000_000L, "360p 240p")]
    [InlineData(160, 90, 30, null, "90p")]
    [InlineData(480, 854, 30, null, "480p 240p")]
    public void The_ladder_is_what_the_slot_carries_and_never_above_the_input(int width, int height, int rate, long? carries, string ladder)
    {
        var plan = LivePlan.Of(new(null, [Video(width, height, rate)]), carries);
        Assert.Equal(ladder, string.Join(' ', plan.Renditions.Select(rendition => rendition.Name)));
    }

    [Fact]
    public void A_slot_that_carries_little_gets_half_the_rate() =>
        Assert.Equal(30, LivePlan.Of(new(null, [Video(1920, 1080, 60)]), 10_000_000).Rate.PerSecond);

    [Fact]
    public async Task The_capacity_is_measured()
    {
        var options = Options.Create(new WorkerOptions { ScratchPath = Sources.NewFolder("capacity"), LivePreset = "ultrafast" });
        using ScratchSpace scratch = new(options, Options.Create(new TranscoderOptions()), NullLogger<ScratchSpace>.Instance);
        using LiveCapacity capacity = new(_ffmpeg, new(options), scratch, options, TimeProvider.System, NullLogger<LiveCapacity>.Instance);
        Assert.Null(capacity.PixelsPerSecond);
        Assert.InRange(await capacity.MeasureAsync(Ct), 1_000_000, 10_000_000_000);
    }

    [Theory]
    [InlineData(4098, 2000)]
    [InlineData(4096, 2306)]
    public void A_picture_that_is_too_large_is_refused(int width, int height) => Assert.Throws<InputRefusedException>(() => LivePlan.Of(new(null, [Video(width, height, 30)]), null));

    [Theory]
    [InlineData("file:/etc/passwd")]
    [InlineData("http://127.0.0.1/x")]
    [InlineData("concat:rtmp://a|rtmp://b")]
    public void The_puller_takes_no_other_protocol(string url) => Assert.Throws<InputRefusedException>(() => LiveArguments.Puller(url, ""));

    [Fact]
    public void An_encoder_that_goes_back_in_time_is_refused()
    {
        SegmentCutter cutter = new([new(default, 90_000, 1, "avc1.64001e")], new(25, 1), new(default, 0));
        cutter.Add(1, [new(900_000, 3600, true, default)]);
        Assert.Throws<InvalidDataException>(() => cutter.Add(1, [new(900_000, 3600, false, default)]));
    }

    private static Processing.Worker.Media.Planning.ProbeStream Video(int width, int height, int rate) =>
        new() { Index = 0, CodecType = "video", CodecName = "h264", Width = width, Height = height, PixFmt = "yuv420p", BaseFrameRate = $"{rate}/1", AverageFrameRate = $"{rate}/1" };

    /// <summary>As a puller writes it.</summary>
    private static async Task<string> TransportStreamAsync(string name)
    {
        string[] encode = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"];
        var source = name switch
        {
            "odd-live" => await Sources.MakeAsync(name, "mp4", ["-f", "lavfi", "-i", Sources.Picture("25", 4, size: "426x242"), "-f", "lavfi", "-i", Sources.Sine(4), "-vf", "setsar=4/3", .. encode]),
            "late-live" => await Sources.MakeAsync(name, "mkv", ["-f", "lavfi", "-i", Sources.Picture("25", 8), "-itsoffset", "1.5", "-f", "lavfi", "-i", Sources.Sine(6.5), .. encode, "-c:a", "aac"]),
            _ => await Sources.GetAsync(name),
        };
        return await Sources.MakeAsync($"live-{name}", "ts", ["-i", source, "-map", "0:v:0", "-map", "0:a:0?", "-c", "copy", "-muxdelay", "0", "-muxpreload", "0"]);
    }

    private static async Task<(LivePlan Plan, List<IReadOnlyList<CutSegment>> Sets)> EncodeAsync(string source, long? carries)
    {
        EncoderQueue queue = new(TimeProvider.System);
        await using (var file = File.OpenRead(source))
        {
            var buffer = new byte[64 << 10];
            int read;
            while ((read = await file.ReadAsync(buffer, Ct)) > 0)
            {
                queue.Add(buffer[..read]);
            }
        }

        queue.Complete();
        var folder = FfmpegRunner.CreateWorkDir(Sources.NewFolder("live"));
        List<byte[]> bytes = [];
        var plan = LivePlan.Of(await new InputProbe(_ffmpeg, TimeProvider.System).ProbeAsync(queue, bytes, folder, Ct), carries);
        await using var process = await _ffmpeg.StartAsync(new() { Arguments = LiveArguments.Encoder(plan, "ultrafast"), WorkDir = folder, AtMost = TimeSpan.FromMinutes(5) }, Ct);
        var feeding = Task.Run(async () =>
        {
            foreach (var piece in bytes)
            {
                await process.Input.WriteAsync(piece, Ct);
            }

            while (await queue.NextAsync(Ct) is { } piece)
            {
                await process.Input.WriteAsync(piece, Ct);
            }

            process.Input.Close();
        }, Ct);
        List<IReadOnlyList<CutSegment>> sets = [];
        LiveFragments output = new(process.Output);
        SegmentCutter cutter = new((await output.ReadInitsAsync(Ct))!, plan.Rate, new(default, Behind));
        while (await output.ReadAsync(Ct) is var (track, samples))
        {
            cutter.Add(track, samples);
            while (cutter.Take() is { } set)
            {
                sets.Add(set);
            }
        }

        sets.AddRange(cutter.TakeRest() is { } rest ? [rest] : []);
        await feeding;
        Assert.Equal((0, ""), await process.ExitAsync(Ct));
        return (plan, sets);
    }

    private static long DecodeTimeOf(CutSegment segment) => BinaryPrimitives.ReadInt64BigEndian(Box.Find(segment.Content, "moof/traf/tfdt").Body.Span[4..]);
}
