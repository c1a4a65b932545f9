using Storage.Fabric;
using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>Chunks are kept as their video's popularity asks, and can be read at every moment of the change.</summary>
public sealed class ConversionTests(Servers servers)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(1);
    private static readonly byte[] _bytes = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 31))];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_active_video_is_coded_while_few_watch_it_and_replicated_again_when_many_do()
    {
        await using var host = await StartAsync();
        var nodes = await host.AddNodesAsync(5);
        var video = await host.CreateVideoAsync();
        var chunk = await host.StoreAsync(video, _bytes, nodes[..3]);
        await host.SendAsync(HttpMethod.Patch, $"/video/{video}/status", new { status = "active" });

        await using Reading reading = new(host, chunk);
        await UntilKeptAsync(host, chunk, "erasure_coding");
        await Poll.UntilAsync(() => Task.FromResult(nodes.Count(node => node.Chunks.ContainsKey(chunk))), count => count == 0, _within, "whole copies left");
        Assert.All(nodes, node => Assert.Single(node.Chunks));
        var entry = (await host.GetAsync($"/manifest/{video}"))["chunks"][0];
        Assert.Equal(5, entry.GetProperty("fragments").EnumerateArray().Select(fragment => fragment.GetProperty("node_url").GetString()).Distinct().Count());

        await host.QueryAsync($"insert into views (video_id, count) values ('{video}', 1001) returning 1", row => row.GetInt32(0));
        await UntilKeptAsync(host, chunk, "replication");
        await Poll.UntilAsync(() => Task.FromResult(nodes.Sum(node => node.Chunks.Count)), count => count == 3, _within, "objects left");
        Assert.All(nodes.Where(node => !node.Chunks.IsEmpty), node => Assert.Equal(_bytes, node.Chunks[chunk]));

        // Below the threshold, and not far enough below it: it stays. The override is stronger.
        await host.QueryAsync($"update views set count = 950 where video_id = '{video}' returning 1", row => row.GetInt32(0));
        Assert.Equal("erasure_coding", (await host.GetAsync($"/redundancy/recommend/{video}"))["recommended_mode"].GetString());
        var version = await VersionAsync(host);
        await host.PostAsync($"/redundancy/override/{video}?mode=erasure_coding");
        await UntilKeptAsync(host, chunk, "erasure_coding");
        Assert.Equal(version + 1, await VersionAsync(host));
        Assert.True(await reading.EndAsync() > 0);
    }

    [Fact]
    public async Task Only_active_videos_that_have_settled_are_converted_and_only_where_there_are_nodes_enough()
    {
        await using var host = await StartAsync(("Metadata:SettlingSeconds", "3600"));
        var nodes = await host.AddNodesAsync(4);
        var (fresh, uploading, settled) = (await host.CreateVideoAsync(), await host.CreateVideoAsync(), await host.CreateVideoAsync());
        var chunks = new List<string>();
        foreach (var video in (string[])[fresh, uploading, settled])
        {
            chunks.Add(await host.StoreAsync(video, _bytes, nodes[..3]));
            if (video != uploading)
            {
                await host.SendAsync(HttpMethod.Patch, $"/video/{video}/status", new { status = "active" });
            }
        }

        await host.QueryAsync($"update videos set status_since = now() - interval '2 hours' where id in ('{settled}', '{uploading}') returning 1", row => row.GetInt32(0));
        var audited = await host.QueryAsync("select max(audited_at) from chunk_placements", row => row.GetDateTime(0));
        await Poll.UntilAsync(
            async () => await host.QueryAsync("select min(audited_at) from chunk_placements", row => row.GetDateTime(0)), seen => seen[0] > audited[0].AddSeconds(2), _within, "some passes");
        Assert.Equal([0L], await host.QueryAsync("select count(*) from chunk_placements where mode <> 'replication'", row => row.GetInt64(0))); // four nodes

        await host.AddNodesAsync(1, prefix: "fifth");
        await UntilKeptAsync(host, chunks[2], "erasure_coding");
        Assert.Equal([2L], await host.QueryAsync("select count(*) from chunk_placements where mode = 'replication'", row => row.GetInt64(0)));
    }

    private Task<MetadataHost> StartAsync(params (string, string)[] settings) =>
        MetadataHost.StartAsync(servers, Ct, [("Metadata:Conversions", "true"), ("Metadata:SettlingSeconds", "0"), .. settings]);

    private static Task<string> UntilKeptAsync(MetadataHost host, string chunk, string mode) => Poll.UntilAsync(
        async () => (await host.QueryAsync($"select mode from chunk_placements where chunk_id = '{chunk}'", row => row.GetString(0)))[0], seen => seen == mode, _within, mode);

    private static async Task<long> VersionAsync(MetadataHost host) => (await host.QueryAsync("select version from chunk_placements", row => row.GetInt64(0)))[0];

    /// <summary>Reads the chunk again and again; the first bad answer is kept.</summary>
    private sealed class Reading : IAsyncDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly Task<int> _reads;

        public Reading(MetadataHost host, string chunk) => _reads = Task.Run(async () =>
        {
            var reads = 0;
            while (!_end.IsCancellationRequested)
            {
                using var answer = await host.Http.GetAsync($"/chunk/{chunk}");
                Assert.Equal((200, Checksum.HexOf(_bytes)), ((int)answer.StatusCode, Checksum.HexOf(await answer.Content.ReadAsByteArrayAsync())));
                reads++;
            }

            return reads;
        });

        public async Task<int> EndAsync()
        {
            await _end.CancelAsync();
            return await _reads;
        }

        public async ValueTask DisposeAsync()
        {
            await _end.CancelAsync();
            await Task.WhenAny(_reads);
            _end.Dispose();
        }
    }
}
