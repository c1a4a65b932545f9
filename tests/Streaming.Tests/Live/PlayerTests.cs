using System.Globalization;
using Testing.Media;

namespace Streaming.Tests.Live;

/// <summary>A real player on real media.</summary>
public sealed class PlayerTests(LiveStack stack) : IClassFixture<LiveStack>
{
    [Theory]
    [InlineData(null)]
    [InlineData("for viewers only")]
    public async Task A_finished_stream_plays_from_its_first_frame_to_its_last_without_a_warning(string? entitlement)
    {
        var broadcast = await stack.BeginAsync(entitlement);
        await FeedAsync(broadcast, seconds: 8);
        await broadcast.EndAsync();
        Uri manifest = new(stack.Replica.Address, $"{broadcast.Path}/manifest{(entitlement is null ? "" : $"?entitlement={Uri.EscapeDataString(entitlement)}")}");
        await Tool.CheckedAsync("ffmpeg", ["-v", "warning", "-i", manifest.AbsoluteUri, "-map", "0", "-f", "null", "-"]);
        foreach (var stream in (string[])["v:0", "v:1"])
        {
            Assert.Equal(["200"], (await Tool.ProbeAsync(["-count_frames", "-i", manifest.AbsoluteUri], stream, "stream=nb_read_frames")).Distinct());
        }
    }

    [Fact]
    public async Task A_player_goes_on_over_a_discontinuity()
    {
        var broadcast = await stack.BeginAsync();
        await FeedAsync(broadcast, seconds: 8, newInputAt: 2);
        await broadcast.EndAsync();
        Uri playlist = new(stack.Replica.Address, $"{broadcast.Path}/manifest/240p");
        await Tool.CheckedAsync("ffmpeg", ["-v", "error", "-i", playlist.AbsoluteUri, "-f", "null", "-"]); // it warns of the second initialization segment
        Assert.Equal(["200"], (await Tool.ProbeAsync(["-count_frames", "-i", playlist.AbsoluteUri], "v:0", "stream=nb_read_frames")).Distinct());
    }

    /// <summary>Three tracks in CMAF segments of 2 s, as the worker makes them.</summary>
    /// <param name="newInputAt">A segment that is another input's first; its timestamps go on, because ffmpeg takes no notice of a discontinuity in fragmented MP4.</param>
    private static async Task FeedAsync(Broadcast broadcast, int seconds, int newInputAt = 0)
    {
        var folder = Sources.NewFolder("broadcast");
        (string Track, string[] Output)[] tracks =
        [
            ("480p", ["-map", "0:v", "-s", "854x480", .. Picture]), ("240p", ["-map", "0:v", "-s", "426x240", .. Picture]), ("audio", ["-map", "1:a", "-c:a", "aac"]),
        ];
        foreach (var (track, output) in tracks)
        {
            await Tool.CheckedAsync("ffmpeg",
                ["-v", "error", "-f", "lavfi", "-i", "testsrc2=s=854x480:r=25", "-f", "lavfi", "-i", "sine=r=48000", "-t", $"{seconds}", .. output,
                 "-f", "hls", "-hls_segment_type", "fmp4", "-hls_time", "2", "-hls_playlist_type", "vod", "-hls_fmp4_init_filename", $"{track}.mp4",
                 "-hls_segment_filename", Path.Combine(folder, $"{track}-%d.m4s"), Path.Combine(folder, $"{track}.m3u8")]);
        }

        for (var index = 0; index < seconds / 2; index++)
        {
            if (index == 0 || index == newInputAt)
            {
                await broadcast.ConnectWithAsync([.. await Task.WhenAll(tracks.Select(async track => new Encoded(track.Track, await File.ReadAllBytesAsync(Path.Combine(folder, $"{track.Track}.mp4")))))]);
            }

            await broadcast.AddAsync([.. await Task.WhenAll(tracks.Select(async track =>
                new Encoded(track.Track, await File.ReadAllBytesAsync(Path.Combine(folder, $"{track.Track}-{index}.m4s")), await SecondsAsync(Path.Combine(folder, $"{track.Track}.m3u8"), index))))]);
        }
    }

    private static readonly string[] Picture = ["-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "50", "-keyint_min", "50", "-sc_threshold", "0"];

    private static async Task<double> SecondsAsync(string playlist, int index) =>
        (await File.ReadAllLinesAsync(playlist)).Where(line => line.StartsWith("#EXTINF:", StringComparison.Ordinal)).Select(line => double.Parse(line[8..].TrimEnd(','), CultureInfo.InvariantCulture)).ElementAt(index);
}
