using Microsoft.AspNetCore.Builder;
using Smart.Client.Playback;
using Storage.Fabric.Chunks;
using Storage.Node;
using Testing;
using Testing.Media;
using Xunit;

namespace Storage.Tests.Client;

/// <summary>The client with the nodes that the platform ships.</summary>
public sealed class StorageNodeTests
{
    [Fact]
    public async Task A_video_on_storage_nodes_plays_on_when_one_of_them_is_stopped()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(10));
        var videoId = await platform.AddVideoAsync();
        List<WebApplication> nodes = [];
        try
        {
            for (var i = 0; i < 3; i++)
            {
                var node = StorageNode.Build(["--urls=http://127.0.0.1:0", $"--DATA_DIR={Sources.NewFolder($"node-{i}")}", "--Node:Open=true", "--Logging:LogLevel:Default=Warning"]);
                nodes.Add(node);
                await node.StartAsync();
            }

            platform.Change(videoId, manifest => manifest with { Chunks = [.. manifest.Chunks.Select(chunk => chunk with { Replicas = [.. nodes.Select(node => node.Urls.Single())] })] });
            await StoreAsync(platform, nodes);

            MemoryStream played = new();
            var player = platform.Get<SmartPlayer>();
            var playing = player.PlayAsync(videoId, ChunkSinks.To(played), default);
            await Poll.UntilAsync(() => Task.FromResult(player.Current?.Read().PositionSeconds > 12), TimeSpan.FromSeconds(40), "it plays");
            await nodes[0].StopAsync();
            await playing;

            Assert.Equal((await TestVideo.MinuteAsync()).Whole, played.ToArray());
            var reading = player.Current!.Read();
            Assert.Equal((0, 6), (reading.Rebuffers, reading.ChunksPlayed));
        }
        finally
        {
            foreach (var node in nodes)
            {
                await node.StopAsync();
                await node.DisposeAsync();
            }
        }
    }

    private static async Task StoreAsync(TestPlatform platform, List<WebApplication> nodes)
    {
        using HttpClient http = new();
        foreach (var (id, chunk) in platform.Nodes[0].Chunks)
        {
            foreach (var node in nodes)
            {
                using ByteArrayContent content = new(chunk);
                using var answer = await http.PutAsync(new Uri($"{node.Urls.Single()}/chunk/{id}"), content);
                answer.EnsureSuccessStatusCode();
            }
        }
    }
}
