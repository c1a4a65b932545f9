using Smart.Client.Network;
using Smart.Client.Playback;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Fabric.Erasure;
using Testing;
using Xunit;

namespace Storage.Tests.Client;

/// <summary>A minute of video on three nodes, ten times as fast, while something breaks. The viewer must not notice.</summary>
public sealed class SurvivalTests
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(40);

    [Theory]
    [InlineData(nameof(Fault.Killed))]
    [InlineData(nameof(Fault.Hung))]
    [InlineData(nameof(Fault.Slow))]
    [InlineData(nameof(Fault.Corrupt))]
    public async Task A_node_that_breaks_in_the_middle_stops_no_playback(string fault)
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(10));
        var videoId = await platform.AddVideoAsync();
        var (playing, played) = Play(platform, videoId);
        await Poll.UntilAsync(() => Task.FromResult(Reading(platform)?.PositionSeconds > 12), _soon, "it plays");
        platform.Prefer(platform.Nodes[0]);
        platform.Nodes[0].Fault = Enum.Parse<Fault>(fault);
        await playing;

        Assert.Equal((await TestVideo.MinuteAsync()).Whole, played.ToArray());
        var reading = Reading(platform)!;
        Assert.Equal((0, 6, 6, 0), (reading.Rebuffers, reading.ChunksPlayed, reading.Downloads.Succeeded, reading.Downloads.Failed));
        Assert.Equal(60, reading.PositionSeconds, 3);
        var broken = platform.Get<NodeRegistry>().Find(platform.Nodes[0].Url)!.Read();
        Assert.True(reading.Downloads.Failovers > 0 || !broken.IsHealthy); // another had to give, or it was known in time
    }

    [Fact]
    public async Task A_chunk_that_one_node_gives_wrong_comes_from_another()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        platform.Nodes[0].Fault = platform.Nodes[1].Fault = Fault.Corrupt;
        MemoryStream played = new();
        await platform.Get<SmartPlayer>().PlayAsync(videoId, ChunkSinks.To(played), Pace.Unbounded, default);
        Assert.Equal((await TestVideo.MinuteAsync()).Whole, played.ToArray());
        Assert.True(platform.Nodes[0].Served + platform.Nodes[1].Served > 0);
        Assert.True(Reading(platform)!.Downloads.Failovers > 0);
        var nodes = platform.Get<NodeRegistry>().Readings.ToDictionary(node => node.NodeUrl, node => node.Downloads);
        Assert.Equal((0, 0, 6), (nodes[platform.Nodes[0].Url], nodes[platform.Nodes[1].Url], nodes[platform.Nodes[2].Url]));
    }

    [Fact]
    public async Task With_every_node_away_the_playback_waits_and_goes_on_when_one_is_back()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(20));
        var videoId = await platform.AddVideoAsync();
        var (playing, played) = Play(platform, videoId);
        await Poll.UntilAsync(() => Task.FromResult(Reading(platform)?.PositionSeconds > 2), _soon, "it plays");
        foreach (var node in platform.Nodes)
        {
            node.Fault = Fault.Killed;
        }

        await Poll.UntilAsync(() => Task.FromResult(Reading(platform)!.Rebuffers == 1), _soon, "its buffer runs dry");
        Assert.Equal("Empty", Reading(platform)!.Buffer.ToString());
        platform.Nodes[1].Fault = Fault.None;
        await playing;
        Assert.Equal((await TestVideo.MinuteAsync()).Whole, played.ToArray());
        Assert.Equal(1, Reading(platform)!.Rebuffers);
    }

    [Fact]
    public async Task What_repair_moved_in_the_meantime_is_found()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(20));
        var videoId = await platform.AddVideoAsync();
        platform.Change(videoId, manifest => manifest with { Chunks = [.. manifest.Chunks.Select(chunk => chunk with { Replicas = [platform.Nodes[0].Url] })] });
        var (playing, played) = Play(platform, videoId);
        await Poll.UntilAsync(() => Task.FromResult(Reading(platform)?.PositionSeconds > 2), _soon, "it plays");
        platform.Nodes[0].Fault = Fault.Killed;
        platform.Change(videoId, manifest => manifest with { Chunks = [.. manifest.Chunks.Select(chunk => chunk with { Replicas = [platform.Nodes[2].Url] })] });
        await playing;
        Assert.Equal((await TestVideo.MinuteAsync()).Whole, played.ToArray());
        Assert.True(platform.Nodes[2].Served > 0);
    }

    [Fact]
    public async Task A_video_that_nobody_has_fails_after_the_time_of_the_settings()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(20), "--SmartClient:GiveUpAfterSeconds=5");
        var videoId = await platform.AddVideoAsync();
        foreach (var node in platform.Nodes)
        {
            node.Chunks.Clear();
        }

        await Assert.ThrowsAsync<ChunkUnavailableException>(() => Play(platform, videoId).Playing.WaitAsync(_soon, TimeProvider.System));
        Assert.False(Reading(platform)!.IsPlaying);
        Assert.Equal(0, platform.ViewsOf(videoId)); // it never began
    }

    [Fact]
    public async Task Coded_chunks_play_with_two_fragments_lost()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(20));
        var videoId = await platform.AddVideoAsync();
        platform.Change(videoId, manifest => manifest with { Chunks = [.. manifest.Chunks.Select(chunk => Coded(platform, chunk))] });
        var (playing, played) = Play(platform, videoId);
        await playing;
        Assert.Equal((await TestVideo.MinuteAsync()).Whole, played.ToArray());
        Assert.Equal(0, Reading(platform)!.Rebuffers);
        Assert.True(Reading(platform)!.Downloads.Failovers > 0);
    }

    [Fact]
    public async Task A_playback_is_in_real_time_and_keeps_no_more_than_its_target()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(10));
        var videoId = await platform.AddVideoAsync();
        List<(double Due, double Position)> handedOver = [];
        var most = 0d;
        await platform.Get<SmartPlayer>().PlayAsync(videoId, (chunk, _) =>
        {
            handedOver.Add((chunk.StartSeconds, Reading(platform)!.PositionSeconds));
            most = Math.Max(most, Reading(platform)!.LevelSeconds);
            return ValueTask.CompletedTask;
        }, default);

        Assert.Equal([0, 10, 20, 30, 40, 50], handedOver.Select(chunk => chunk.Due));
        Assert.All(handedOver, chunk => Assert.InRange(chunk.Due - chunk.Position, 0, 2.01)); // two seconds early, never late
        Assert.InRange(most, 10, 40); // the target, and the chunk that reached it
    }

    [Fact]
    public async Task A_node_that_hangs_is_asked_less_once_it_is_known()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(10));
        var videoId = await platform.AddVideoAsync();
        platform.Nodes[0].Fault = Fault.Slow; // answers pings
        await Play(platform, videoId).Playing;
        await Play(platform, videoId).Playing;
        var nodes = platform.Get<NodeRegistry>().Readings.ToDictionary(node => node.NodeUrl);
        Assert.True(nodes[platform.Nodes[0].Url].BandwidthMbps < nodes[platform.Nodes[1].Url].BandwidthMbps);
        Assert.Equal(0, nodes[platform.Nodes[0].Url].Downloads);
        Assert.InRange(platform.Nodes[0].Served, 0, 6);
    }

    private static (Task Playing, MemoryStream Played) Play(TestPlatform platform, Guid videoId)
    {
        MemoryStream played = new();
        return (platform.Get<SmartPlayer>().PlayAsync(videoId, ChunkSinks.To(played), default), played);
    }

    private static PlaybackReading? Reading(TestPlatform platform) => platform.Get<SmartPlayer>().Current?.Read();

    /// <summary>Its copies become five fragments, of which two are nowhere.</summary>
    private static ChunkPlace Coded(TestPlatform platform, ChunkPlace chunk)
    {
        var shards = ErasureCode.Encode(platform.Nodes[0].Chunks[chunk.ChunkId]);
        List<FragmentPlace> fragments = [];
        for (var i = 0; i < shards.Length; i++)
        {
            var node = platform.Nodes[i % platform.Nodes.Count];
            var id = ChunkNames.Fragment(chunk.ChunkId, i);
            fragments.Add(new(id, i, node.Url, shards[i].Length, Checksum.HexOf(shards[i])));
            if (i is not (0 or 3))
            {
                node.Chunks[id] = shards[i];
            }
        }

        platform.Nodes.ToList().ForEach(node => node.Chunks.TryRemove(chunk.ChunkId, out _));
        return chunk with { Mode = Redundancy.ErasureCoding, Replicas = [], Fragments = fragments };
    }
}
