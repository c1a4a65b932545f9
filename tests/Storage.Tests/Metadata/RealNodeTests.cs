using System.Net;
using Storage.Fabric;
using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>The service with production nodes: what they store, agree on, and get again.</summary>
public sealed class RealNodeTests(Servers servers)
{
    private static readonly TimeSpan _withinAMinute = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_that_lost_its_folder_has_its_chunks_and_fragments_again_within_a_minute()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        await using var nodes = await RealNodes.StartAsync(host, 5);
        var video = await host.CreateVideoAsync();
        Dictionary<string, byte[]> objects = [];
        for (var sequence = 0; sequence < 10; sequence++)
        {
            byte[] bytes = [.. Enumerable.Range(0, 50_000).Select(i => (byte)(i * (sequence + 3)))];
            var chunk = ChunkNames.Chunk(Guid.Parse(video), sequence);
            await Task.WhenAll(nodes.Urls.Take(3).Select(url => PutAsync(host, url, chunk, bytes)));
            var committed = await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, bytes, nodes.Urls.Take(3), sequence));
            Assert.True(committed["success"].GetBoolean(), committed.ToString());
            objects[chunk] = bytes;
        }

        await nodes.StopAsync(0);
        nodes.DeleteFolder(0);
        await nodes.StartAsync(0);
        foreach (var (id, bytes) in objects)
        {
            await Poll.UntilAsync(async () => await CopiesAsync(host, id, bytes), copies => copies >= 3, _withinAMinute, $"three copies of {id} that its placement names");
        }
    }

    /// <summary>Two of three acceptors have lost their folders, and Postgres its record: what was chosen is not known any more, so nothing else may be.</summary>
    [Fact]
    public async Task Nodes_that_come_back_with_empty_folders_do_not_decide_anew_what_they_have_forgotten()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        await using var nodes = await RealNodes.StartAsync(host, 3);
        var video = await host.CreateVideoAsync();
        var chunk = ChunkNames.Chunk(Guid.Parse(video), 0);
        byte[] chosen = [1, 2, 3], other = [4, 5, 6];
        await Task.WhenAll(nodes.Urls.Select(url => PutAsync(host, url, chunk, chosen)));
        Assert.True((await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, chosen, nodes.Urls)))["success"].GetBoolean());
        await host.QueryAsync("delete from chunk_placements returning 1", row => row.GetInt32(0));
        await host.QueryAsync("delete from chunk_decisions returning 1", row => row.GetInt32(0));

        foreach (var index in (int[])[0, 1])
        {
            await nodes.StopAsync(index);
            nodes.DeleteFolder(index);
            await nodes.StartAsync(index);
            await PutAsync(host, nodes.Urls[index], chunk, other);
        }

        using var content = System.Net.Http.Json.JsonContent.Create(MetadataHost.Commit(video, other, nodes.Urls.Take(2)));
        using var answer = await host.Http.PostAsync($"/chunk/{chunk}/commit", content, Ct);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Empty(await host.QueryAsync("select 1 from chunk_decisions", row => row.GetInt32(0)));
    }

    [Fact]
    public async Task Conversion_goes_to_fragments_and_back_on_production_nodes()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, ("Metadata:Conversions", "true"), ("Metadata:SettlingSeconds", "0"));
        await using var nodes = await RealNodes.StartAsync(host, 5);
        var video = await host.CreateVideoAsync();
        var bytes = new byte[ChunkLimits.ChunkBytes];
        Random.Shared.NextBytes(bytes);
        var chunk = ChunkNames.Chunk(Guid.Parse(video), 0);
        await Task.WhenAll(nodes.Urls.Take(3).Select(url => PutAsync(host, url, chunk, bytes)));
        Assert.True((await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, bytes, nodes.Urls.Take(3))))["success"].GetBoolean());
        await host.SendAsync(HttpMethod.Patch, $"/video/{video}/status", new { status = "active" });

        await UntilKeptAsync(host, "erasure_coding");
        Assert.All((await host.GetAsync($"/chunk/{chunk}/fragments"))["fragments"].EnumerateArray(), fragment => Assert.Equal(699_051, fragment.GetProperty("size_bytes").GetInt32()));
        Assert.Equal(bytes, await host.Http.GetByteArrayAsync($"/chunk/{chunk}", Ct));
        await Poll.UntilAsync(async () => await HeldAsync(host, nodes, chunk), held => held == 0, _withinAMinute, "whole copies left");

        await host.PostAsync($"/redundancy/override/{video}?mode=replication");
        await UntilKeptAsync(host, "replication");
        Assert.Equal(3, await CopiesAsync(host, chunk, bytes));
    }

    private static Task<string> UntilKeptAsync(MetadataHost host, string mode) =>
        Poll.UntilAsync(async () => (await host.QueryAsync("select mode from chunk_placements", row => row.GetString(0)))[0], seen => seen == mode, _withinAMinute, mode);

    private static async Task PutAsync(MetadataHost host, string url, string id, byte[] bytes)
    {
        using ByteArrayContent body = new(bytes);
        using var answer = await host.Http.PutAsync($"{url}/chunk/{id}", body, Ct);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
    }

    /// <summary>How many of the replicas in the manifest give the chunk as it is.</summary>
    private static async Task<int> CopiesAsync(MetadataHost host, string chunk, byte[] bytes)
    {
        var places = await host.QueryAsync($"select n.url from chunk_placements p join nodes n on n.id = any(p.nodes) where p.chunk_id = '{chunk}' and n.url is not null", row => row.GetString(0));
        var held = 0;
        foreach (var url in places)
        {
            try
            {
                using var answer = await host.Http.GetAsync($"{url}/chunk/{chunk}", Ct);
                held += answer.IsSuccessStatusCode && Checksum.HexOf(await answer.Content.ReadAsByteArrayAsync(Ct)) == Checksum.HexOf(bytes) ? 1 : 0;
            }
            catch (HttpRequestException)
            {
                // Not there: no copy.
            }
        }

        return held;
    }

    private static async Task<int> HeldAsync(MetadataHost host, RealNodes nodes, string id)
    {
        var held = 0;
        foreach (var url in nodes.Urls)
        {
            using HttpRequestMessage head = new(HttpMethod.Head, $"{url}/chunk/{id}");
            using var answer = await host.Http.SendAsync(head, Ct);
            held += answer.IsSuccessStatusCode ? 1 : 0;
        }

        return held;
    }
}
