using System.Buffers.Binary;
using System.Globalization;
using Xunit;

namespace Testing.Media;

/// <summary>What holds for every finished video, checked with plain ffmpeg and ffprobe on its playlists: stated once, for files and for servers.</summary>
public static class HlsChecks
{
    private const double Millisecond = 0.001;

    /// <summary>How far a declared bit rate may lie from the real one.</summary>
    private const double RateTolerance = 0.1;

    public static async Task CheckAsync(string source, HlsVideo video)
    {
        Assert.NotEmpty(video.Tracks);
        foreach (var track in video.Tracks)
        {
            await Tool.CheckedAsync("ffmpeg", ["-v", "warning", .. track.Input, "-f", "null", "-"]);
            Assert.All(track.Segments, segment => Assert.True(Math.Round(segment.Seconds) <= track.TargetSeconds));
        }

        await Tool.CheckedAsync("ffmpeg", ["-v", "warning", .. video.Input, "-map", "0", "-t", "3", "-f", "null", "-"]);
        await CheckPictureAsync(source, video);
        await CheckSoundAsync(source, video);
        CheckRates(video);
    }

    /// <summary>Silence in a tone is a gap that can be heard.</summary>
    public static async Task CheckToneAsync(HlsVideo video, double from)
    {
        foreach (var audio in video.Audio)
        {
            var end = await EndAsync(audio.Input, "a:0") - 0.06; // the encoder pads its last unit
            var (_, messages) = await Tool.RunAsync(
                "ffmpeg", ["-v", "info", "-nostats", .. audio.Input, "-af", string.Create(CultureInfo.InvariantCulture, $"atrim=start={from}:end={end},silencedetect=noise=-45dB:d=0.004"), "-f", "null", "-"]);
            Assert.Contains("Output #0", messages, StringComparison.Ordinal); // it was listened to
            Assert.DoesNotContain("silence_start", messages, StringComparison.Ordinal);
        }
    }

    private static async Task CheckPictureAsync(string source, HlsVideo video)
    {
        if (!video.Video.Any())
            return;
        var sourceTimes = await TimesAsync(["-i", source]);
        var sourceGap = Gaps(sourceTimes).Where(gap => !double.IsNaN(gap)).DefaultIfEmpty(1).Max();
        var sourceSize = Size((await Tool.ProbeAsync(source, "v:0", "stream=width,height"))[0]);
        List<(long, int)>? boundaries = null;
        foreach (var rendition in video.Video)
        {
            var times = await TimesAsync(rendition.Input);
            Assert.Equal(sourceTimes.Count, times.Count);
            Assert.True(Gaps(times).DefaultIfEmpty(0).Max() <= sourceGap + Millisecond, $"{rendition.Name}: a gap larger than {sourceGap}");
            Assert.True(Gaps(times).DefaultIfEmpty(1).Min() > 0);
            for (var i = 0; i < times.Count && !double.IsNaN(sourceTimes[0]); i++)
                Assert.Equal(sourceTimes[i] - sourceTimes[0], times[i] - times[0], 0.0015);
            CheckFrameRate(sourceTimes, double.Parse(rendition.Attributes["FRAME-RATE"], CultureInfo.InvariantCulture));

            var here = await BoundariesAsync(rendition);
            Assert.Equal(times.Count, here.Sum(segment => segment.Frames));
            Assert.Equal(boundaries ??= here, here);
            await CheckStreamAsync(rendition, sourceSize);
        }
    }

    /// <summary>Each segment starts with its only key frame, an IDR, exactly where the durations before it end.</summary>
    private static async Task<List<(long Start, int Frames)>> BoundariesAsync(HlsTrack rendition)
    {
        var ticks = double.Parse((await Tool.ProbeAsync(["-i", rendition.Segments[0].Alone], "v", "stream=time_base"))[0].Split('/')[1], CultureInfo.InvariantCulture);
        List<(long Start, int Frames)> found = [];
        foreach (var segment in rendition.Segments)
        {
            var packets = await Tool.ProbeAsync(segment.Alone, "v", "packet=pts,flags");
            Assert.Contains('K', packets[0]);
            Assert.Single(packets, packet => packet.Contains('K'));
            Assert.Equal(5, FirstSlice(segment.Content));
            var start = long.Parse(packets[0].Split(',')[0], CultureInfo.InvariantCulture);
            var before = rendition.Segments.Take(found.Count).Sum(earlier => earlier.Seconds);
            found.Add((start, packets.Count));
            Assert.Equal(before, (start - found[0].Start) / ticks, Millisecond);
        }

        return found;
    }

    private static async Task CheckStreamAsync(HlsTrack rendition, (int Long, int Short) source)
    {
        var fields = (await Tool.ProbeAsync(["-i", rendition.Segments[0].Alone], "v", "stream=profile,width,height,sample_aspect_ratio,pix_fmt,level,color_range"))[0].Split(',');
        Assert.Equal(["High", .. rendition.Attributes["RESOLUTION"].Split('x'), "1:1", "yuv420p"], fields[..5]);
        Assert.Equal("tv", fields[6]);
        Assert.Equal($"avc1.6400{int.Parse(fields[5], CultureInfo.InvariantCulture):x2}", rendition.Attributes["CODECS"].Split(',')[0]);
        var size = Size($"{fields[1]},{fields[2]}");
        Assert.True(size.Long <= Math.Max(2, source.Long) && size.Short <= Math.Max(2, source.Short), $"{size} is larger than {source}");
    }

    /// <summary>Picture and sound end as far apart as in the source; each track is one stretch without gap or overlap.</summary>
    private static async Task CheckSoundAsync(string source, HlsVideo video)
    {
        foreach (var audio in video.Audio)
        {
            Assert.Equal("aac,LC", (await Tool.ProbeAsync(["-i", audio.Segments[0].Alone], "a", "stream=codec_name,profile"))[0]);
            Assert.Equal("mp4a.40.2", audio.Attributes.GetValueOrDefault("CODECS", "mp4a.40.2"));
            var channels = (await Tool.ProbeAsync(["-i", audio.Segments[0].Alone], "a", "stream=channels"))[0];
            Assert.Equal(channels, audio.Attributes.GetValueOrDefault("CHANNELS", channels));
            var packets = await PacketsAsync(audio.Input, "a:0");
            var unit = packets.Max(packet => packet.Seconds);
            Assert.All(Gaps([.. packets.Select(packet => packet.Start)]), gap => Assert.Equal(unit, gap, Millisecond));
        }

        if (video.Video.FirstOrDefault() is { } picture && video.Audio.FirstOrDefault() is { } sound)
        {
            var expected = await EndAsync(["-i", source], "a:0") - await EndAsync(["-i", source], "v:0");
            Assert.Equal(expected, await EndAsync(sound.Input, "a:0") - await EndAsync(picture.Input, "v:0"), 0.1);
        }
    }

    /// <summary>Declared rates are measured ones, of a rendition with the sound that plays along.</summary>
    private static void CheckRates(HlsVideo video)
    {
        var sound = video.Video.Any() ? video.Audio.ToList() : [];
        foreach (var variant in video.Tracks.Where(track => track.Attributes.ContainsKey("BANDWIDTH")))
        {
            var peak = variant.PeakBandwidth + sound.Select(audio => audio.PeakBandwidth).DefaultIfEmpty(0).Max();
            var average = variant.AverageBandwidth + sound.Select(audio => audio.AverageBandwidth).DefaultIfEmpty(0).Max();
            Assert.Equal(1, int.Parse(variant.Attributes["BANDWIDTH"], CultureInfo.InvariantCulture) / peak, RateTolerance);
            Assert.Equal(1, int.Parse(variant.Attributes["AVERAGE-BANDWIDTH"], CultureInfo.InvariantCulture) / average, RateTolerance);
            Assert.Equal(sound.Count > 0, variant.Attributes.TryGetValue("AUDIO", out var group));
            Assert.All(sound, audio => Assert.Equal(group, audio.Attributes["GROUP-ID"]));
            Assert.Equal(sound.Count > 0, variant.Attributes["CODECS"].EndsWith(",mp4a.40.2", StringComparison.Ordinal));
        }
    }

    private static void CheckFrameRate(List<double> times, double declared)
    {
        var gaps = Gaps(times).ToList();
        if (gaps.Count == 0 || double.IsNaN(times[0]))
            return;
        var average = gaps.Count / (times[^1] - times[0]);
        Assert.InRange(declared, average * 0.99, gaps.Max() - gaps.Min() < 2 * Millisecond ? average * 1.01 : double.MaxValue);
    }

    /// <summary>The NAL unit type of the first slice: 5 is an IDR, after which nothing refers to what came before.</summary>
    private static int FirstSlice(ReadOnlySpan<byte> segment)
    {
        while (!segment[4..8].SequenceEqual("mdat"u8))
            segment = segment[BinaryPrimitives.ReadInt32BigEndian(segment)..];
        for (segment = segment[8..]; ; segment = segment[(4 + BinaryPrimitives.ReadInt32BigEndian(segment))..])
        {
            if ((segment[4] & 31) is var type and (1 or 5))
                return type;
        }
    }

    private static (int Long, int Short) Size(string fields)
    {
        var sides = fields.Split(',').Take(2).Select(side => int.Parse(side, CultureInfo.InvariantCulture)).ToList();
        return (sides.Max(), sides.Min());
    }

    private static async Task<double> EndAsync(IEnumerable<string> input, string stream) => (await PacketsAsync(input, stream)).Max(packet => packet.Start + packet.Seconds);

    private static async Task<List<(double Start, double Seconds)>> PacketsAsync(IEnumerable<string> input, string stream) =>
        [.. (await Tool.ProbeAsync(input, stream, "packet=pts_time,duration_time")).Select(packet => packet.Split(',')).Select(fields => (Number(fields[0]), Number(fields[1])))];

    private static async Task<List<double>> TimesAsync(IEnumerable<string> input) =>
        [.. (await Tool.ProbeAsync(input, "v:0", "frame=best_effort_timestamp_time")).Select(line => double.TryParse(line.Split(',')[0], CultureInfo.InvariantCulture, out var time) ? time : double.NaN).Order()];

    private static double Number(string field) => double.TryParse(field, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static IEnumerable<double> Gaps(List<double> times) => times.Zip(times.Skip(1), (first, second) => second - first);
}
