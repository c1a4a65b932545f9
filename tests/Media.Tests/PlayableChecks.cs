using Lifecycle.Contracts.Media;

namespace Media.Tests;

/// <summary>What holds for every finished video: what a player sees (<see cref="HlsChecks"/>), and what the catalogue and the report say of it.</summary>
internal static class PlayableChecks
{
    public static async Task CheckAsync(string source, Published video)
    {
        Assert.True(video.Report.Passed, string.Join('\n', video.Report.Checks.Where(check => !check.Passed)));
        await HlsChecks.CheckAsync(source, await HlsVideo.OpenAsync(new(video.Master)));
        foreach (var track in video.Catalogue.Tracks)
            CheckNumbers(track);
    }

    public static async Task CheckToneAsync(Published video, double from) => await HlsChecks.CheckToneAsync(await HlsVideo.OpenAsync(new(video.Master)), from);

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
}
