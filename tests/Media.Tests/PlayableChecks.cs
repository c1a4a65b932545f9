using System.Globalization;
using Lifecycle.Contracts.Media;

namespace Media.Tests;

/// <summary>What holds for every finished video, checked with ffmpeg and ffprobe on the playlists: stated once, used for every source.</summary>
internal static class PlayableChecks
{
    private const double Millisecond = 0.001;

    public static async Task CheckAsync(string source, Published video)
    {
        Assert.True(video.Report.Passed, string.Join('\n', video.Report.Checks.Where(check => !check.Passed)));
        foreach (var track in video.Catalogue.Tracks)
            await Tool.CheckedAsync("ffmpeg", "-v", "warning", "-allowed_extensions", "ALL", "-i", video.PlaylistOf(track), "-f", "null", "-");
        await Tool.CheckedAsync("ffmpeg", "-v", "warning", "-allowed_extensions", "ALL", "-i", video.Master, "-map", "0", "-t", "3", "-f", "null", "-");
        await CheckPictureAsync(source, video);
        await CheckTrackEndsAsync(source, video);
        foreach (var track in video.Catalogue.Tracks)
            CheckNumbers(track);
    }

    private static async Task CheckPictureAsync(string source, Published video)
    {
        if (video.Catalogue.Video.Count == 0)
            return;
        var sourceTimes = await TimesAsync(source, "frame=best_effort_timestamp_time");
        var sourceGap = Gaps(sourceTimes).Where(gap => !double.IsNaN(gap)).DefaultIfEmpty(1).Max();
        foreach (var rendition in video.Catalogue.Video)
        {
            var times = await TimesAsync(video.PlaylistOf(rendition), "frame=best_effort_timestamp_time");
            Assert.Equal(sourceTimes.Count, times.Count);
            Assert.True(Gaps(times).DefaultIfEmpty(0).Max() <= sourceGap + Millisecond, $"{rendition.Name}: a gap larger than {sourceGap}");
            Assert.True(Gaps(times).DefaultIfEmpty(1).Min() > 0);
            for (var i = 0; i < times.Count && !double.IsNaN(sourceTimes[0]); i++)
                Assert.Equal(sourceTimes[i] - sourceTimes[0], times[i] - times[0], 0.0015);

            for (var i = 0; i < rendition.Segments.Count; i++)
            {
                var packets = await Tool.ProbeAsync(video.Alone(rendition, i), "v", "packet=pts,flags");
                Assert.Contains('K', packets[0]);
                Assert.Single(packets, packet => packet.Contains('K'));
                Assert.Equal(rendition.Segments[i].Samples, packets.Count);
                Assert.Equal(rendition.Segments[i].Start, long.Parse(packets[0].Split(',')[0], CultureInfo.InvariantCulture));
            }
            await CheckStreamAsync(video, rendition);
        }
    }

    private static async Task CheckStreamAsync(Published video, VideoRendition rendition)
    {
        var fields = (await Tool.ProbeAsync(video.Alone(rendition, 0), "v", "stream=profile,width,height,sample_aspect_ratio,pix_fmt,level,color_range"))[0].Split(',');
        Assert.Equal(["High", $"{rendition.Width}", $"{rendition.Height}", "1:1", "yuv420p"], fields[..5]);
        Assert.Equal("tv", fields[6]);
        Assert.Equal($"avc1.6400{int.Parse(fields[5], CultureInfo.InvariantCulture):x2}", rendition.Codecs);
        Assert.True(rendition.Width <= Math.Max(2, video.Plan.Video!.Picture.Width) && rendition.Height <= Math.Max(2, video.Plan.Video.Picture.Height));
        Assert.Equal(video.Catalogue.Video[0].Segments.Select(s => (s.Start, s.Duration)), rendition.Segments.Select(s => (s.Start, s.Duration)));
    }

    /// <summary>Picture and sound end as far apart as in the source.</summary>
    private static async Task CheckTrackEndsAsync(string source, Published video)
    {
        if (video.Catalogue.Video.Count == 0 || video.Catalogue.Audio.Count == 0)
            return;
        var expected = await EndAsync(source, "a:0") - await EndAsync(source, "v:0");
        var actual = await EndAsync(video.PlaylistOf(video.Catalogue.Audio[0]), "a:0") - await EndAsync(video.PlaylistOf(video.Catalogue.Video[0]), "v:0");
        Assert.Equal(expected, actual, 0.1);
    }

    private static void CheckNumbers(Track track)
    {
        var rates = track.Segments.Select(segment => segment.Object.Bytes * 8 / track.SecondsOf(segment)).ToList();
        Assert.Equal(1, track.PeakBandwidth / rates.Max(), 0.1);
        for (var i = 0; i < track.Segments.Count; i++)
        {
            Assert.Equal(new FileInfo(track.Segments[i].Object.Key).Length, track.Segments[i].Object.Bytes);
            if (i > 0)
                Assert.Equal(track.Segments[i - 1].Start + track.Segments[i - 1].Duration, track.Segments[i].Start);
        }
    }

    /// <summary>Silence in a tone is a gap that can be heard.</summary>
    public static async Task CheckToneAsync(Published video, double from)
    {
        foreach (var audio in video.Catalogue.Audio)
        {
            var end = video.Plan.Audio.First(track => track.Name == audio.Name).EndSeconds - 0.03;
            var (_, messages) = await Tool.RunAsync(
                "ffmpeg", "-v", "info", "-nostats", "-allowed_extensions", "ALL", "-i", video.PlaylistOf(audio), "-af",
                string.Create(CultureInfo.InvariantCulture, $"atrim=start={from}:end={end},silencedetect=noise=-45dB:d=0.004"), "-f", "null", "-");
            Assert.DoesNotContain("silence_start", messages, StringComparison.Ordinal);
        }
    }

    private static async Task<double> EndAsync(string path, string stream)
    {
        var packets = await Tool.ProbeAsync(path, stream, "packet=pts_time,duration_time");
        return packets.Select(packet => packet.Split(',').Select(field => double.TryParse(field, CultureInfo.InvariantCulture, out var value) ? value : 0).Take(2).Sum()).Max();
    }

    private static async Task<List<double>> TimesAsync(string path, string entries) =>
        [.. (await Tool.ProbeAsync(path, "v:0", entries)).Select(line => double.TryParse(line.Split(',')[0], CultureInfo.InvariantCulture, out var time) ? time : double.NaN).Order()];

    private static IEnumerable<double> Gaps(List<double> times) => times.Zip(times.Skip(1), (first, second) => second - first);
}
