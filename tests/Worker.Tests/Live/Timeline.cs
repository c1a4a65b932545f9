using System.Globalization;
using System.Text;
using Lifecycle.Store.Objects;
using Testing;
using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>What players see of several generations: one timeline that goes on.</summary>
public sealed class Timeline(Servers servers) : LiveTest(servers)
{
    [Fact]
    public async Task A_player_shows_every_frame_of_two_connections_and_a_takeover_in_order()
    {
        var id = await Store.ProvisionAsync(Ingest.UrlOf("match"));
        await using var first = WorkerProcess.Start(Store);
        await Ingest.UntilPlayedAsync(Patience);
        var push = Ingest.Push("match", await LiveSources.PushAsync("25", 7));
        await Store.ReadyAsync(id, Patience);
        await push.WaitForExitAsync(Ct);
        Ingest.Push("match", await LiveSources.PushAsync("25", 60));
        await Store.UntilSegmentsAsync(id, 2, 2, Patience);
        await using var second = WorkerProcess.Start(Store);
        await first.KillAsync();
        await Store.UntilSegmentsAsync(id, 3, 3, Patience);

        var segments = await Store.SegmentsAsync(id); // once: more are listed meanwhile
        foreach (var (track, copied) in ((string, string[])[])[("180p", ["-fps_mode", "passthrough"]), ("audio", ["-c", "copy"])])
        {
            var folder = Sources.NewFolder("timeline");
            List<Frame> listed = [];
            foreach (var generation in segments.Where(each => each.Track == track).GroupBy(each => each.Generation))
            {
                var frames = await FramesAsync(await JoinAsync(folder, id, track, [.. generation]), copied);
                Assert.True(listed.Count == 0 || frames[0].At >= listed[^1].At + listed[^1].Lasts, $"generation {generation.Key} of {track} begins at {frames[0]}, behind {listed.LastOrDefault()}");
                listed.AddRange(frames);
            }

            var shown = await FramesAsync(await PlaylistAsync(folder, id, track, segments), copied);
            Assert.Equal(listed.Select(frame => frame.Hash), shown.Select(frame => frame.Hash));
            Assert.All(shown.Zip(shown.Skip(1)), pair => Assert.True(pair.Second.At > pair.First.At, $"{pair.Second} behind {pair.First} in {track}"));
        }
    }

    private async Task<string> JoinAsync(string folder, string id, string track, IReadOnlyList<ListedSegment> segments)
    {
        var path = Path.Combine(folder, $"{segments[0].Generation}.mp4");
        await using FileStream file = new(path, FileMode.Create);
        foreach (var key in (string[])[await InitAsync(id, track, segments[0].Generation), .. segments.Select(each => each.Key)])
        {
            Assert.True(await Store.Get<ObjectStore>().CopyToAsync(key, file, Ct), key);
        }

        return path;
    }

    /// <summary>As Streaming.Api writes it, with the end.</summary>
    private async Task<string> PlaylistAsync(string folder, string id, string track, IReadOnlyList<ListedSegment> segments)
    {
        StringBuilder text = new("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n");
        var generation = 0;
        foreach (var segment in segments.Where(each => each.Track == track))
        {
            if (segment.Generation != generation)
            {
                text.Append(generation > 0 ? "#EXT-X-DISCONTINUITY\n" : "");
                generation = segment.Generation;
                await FetchAsync(await InitAsync(id, track, generation), Path.Combine(folder, $"init-{generation}.mp4"));
                text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MAP:URI=\"init-{generation}.mp4\"\n");
            }

            await FetchAsync(segment.Key, Path.Combine(folder, $"{segment.Sequence}.m4s"));
            text.Append(CultureInfo.InvariantCulture, $"#EXTINF:{segment.Duration:0.000000},\n{segment.Sequence}.m4s\n");
        }

        var path = Path.Combine(folder, "playlist.m3u8");
        await File.WriteAllTextAsync(path, text.Append("#EXT-X-ENDLIST\n").ToString(), Ct);
        return path;
    }

    private async Task FetchAsync(string key, string path) => Assert.True(await Store.Get<ObjectStore>().DownloadAsync(key, path, Ct), key);

    private Task<string> InitAsync(string id, string track, int generation) =>
        Store.ScalarAsync<string>("select init_key from live_tracks where stream_id = $1 and generation = $2 and track = $3", Ct, id, generation, track);

    private static async Task<List<Frame>> FramesAsync(string path, IEnumerable<string> options)
    {
        var (output, _) = await Tool.RunAsync("ffmpeg", ["-hide_banner", "-nostdin", "-nostats", "-v", "error", "-copyts", "-i", path, .. options, "-f", "framemd5", "-"]);
        return [.. output.Split('\n').Where(line => line.Length > 0 && line[0] != '#').Select(line => line.Split(',', StringSplitOptions.TrimEntries))
            .Select(fields => new Frame(long.Parse(fields[2], CultureInfo.InvariantCulture), long.Parse(fields[3], CultureInfo.InvariantCulture), fields[5]))];
    }

    /// <param name="At">In ffmpeg's timescale of the stream.</param>
    private sealed record Frame(long At, long Lasts, string Hash);
}
