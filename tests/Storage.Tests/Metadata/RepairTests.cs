using Storage.Fabric;
using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>Lost copies are made anew elsewhere; what is not needed any more goes away.</summary>
public sealed class RepairTests(Servers servers)
{
    private static readonly TimeSpan _withinAMinute = TimeSpan.FromMinutes(1);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Replicas_of_a_node_that_died_are_made_elsewhere_and_its_own_are_removed_when_it_is_back()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, MetadataHost.QuickDeath);
        var nodes = await host.AddNodesAsync(5);
        var video = await host.CreateVideoAsync();
        List<(string Id, byte[] Bytes)> chunks = [];
        for (var i = 0; i < 30; i++)
        {
            byte[] bytes = [(byte)i, 1, 2];
            chunks.Add((await host.StoreAsync(video, bytes, nodes[..3], i), bytes));
        }

        await nodes[0].StopAsync();
        await Poll.UntilAsync(() => PlacedOnAsync(host, nodes[0]), count => count == 0, _withinAMinute, "chunks placed on the dead node");
        await AssertEveryPlacementHoldsAsync(host, nodes, chunks.ToDictionary(chunk => chunk.Id, chunk => chunk.Bytes), copies: 3);
        Assert.All((await host.GetAsync($"/manifest/{video}"))["chunks"].EnumerateArray(), chunk => Assert.DoesNotContain(nodes[0].Url, chunk.GetProperty("replicas").EnumerateArray().Select(url => url.GetString())));

        Assert.Equal(30, nodes[0].Chunks.Count);
        await nodes[0].StartAsync();
        await Poll.UntilAsync(() => Task.FromResult(nodes[0].Chunks.Count), count => count == 0, _withinAMinute, "surplus copies on the node that is back");
        await AssertEveryPlacementHoldsAsync(host, nodes, chunks.ToDictionary(chunk => chunk.Id, chunk => chunk.Bytes), copies: 3);
    }

    [Fact]
    public async Task A_node_whose_folder_was_emptied_or_damaged_gets_its_chunks_again()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(3);
        var video = await host.CreateVideoAsync();
        Dictionary<string, byte[]> chunks = [];
        for (var i = 0; i < 20; i++)
        {
            byte[] bytes = [(byte)i, 7];
            chunks[await host.StoreAsync(video, bytes, nodes, i)] = bytes;
        }

        nodes[1].Chunks.Clear();
        await Poll.UntilAsync(() => Task.FromResult(nodes[1].Chunks.Count), count => count == 20, _withinAMinute, "chunks on the emptied node");
        Assert.All(chunks, chunk => Assert.Equal(chunk.Value, nodes[1].Chunks[chunk.Key]));
    }

    [Fact]
    public async Task A_fragment_is_rebuilt_where_four_nodes_are_left_and_where_it_was_deleted()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, MetadataHost.QuickDeath);
        var nodes = await host.AddNodesAsync(5);
        var video = await host.CreateVideoAsync();
        var coded = CodedChunk.Of(video, [.. Enumerable.Range(0, 5000).Select(i => (byte)(i * 7))]);
        coded.StoreOn(nodes);
        Assert.True((await host.PostAsync($"/chunk/{coded.Id}/commit", coded.Commit(nodes)))["success"].GetBoolean());

        nodes[3].Chunks.Clear();
        await Poll.UntilAsync(() => Task.FromResult(nodes[3].Chunks.ContainsKey(ChunkNames.Fragment(coded.Id, 3))), _withinAMinute, "the deleted fragment");
        Assert.Equal(coded.Shards[3], nodes[3].Chunks[ChunkNames.Fragment(coded.Id, 3)]);

        await nodes[1].StopAsync();
        await Poll.UntilAsync(() => PlacedOnAsync(host, nodes[1]), count => count == 0, _withinAMinute, "fragments placed on the dead node");
        var home = Assert.Single(nodes, node => node != nodes[1] && node.Chunks.ContainsKey(ChunkNames.Fragment(coded.Id, 1)));
        Assert.Equal(coded.Shards[1], home.Chunks[ChunkNames.Fragment(coded.Id, 1)]);
        using var whole = await host.Http.GetAsync($"/chunk/{coded.Id}", Ct);
        Assert.Equal(coded.Bytes, await whole.Content.ReadAsByteArrayAsync(Ct));
    }

    [Fact]
    public async Task A_third_copy_that_the_commit_did_without_is_made_afterwards()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(4);
        var video = await host.CreateVideoAsync();
        nodes[2].IsFull = true; // whichever is asked first: one refuses, the other takes it
        byte[] bytes = [9, 9];
        var chunk = await host.StoreAsync(video, bytes, nodes[..2]);
        await Poll.UntilAsync(() => Task.FromResult(nodes[3].Chunks.ContainsKey(chunk)), _withinAMinute, "the third copy");
        await Poll.UntilAsync(() => PlacedOnAsync(host, nodes[3]), count => count == 1, _withinAMinute, "the third copy in the placement");
        await AssertEveryPlacementHoldsAsync(host, nodes, new() { [chunk] = bytes }, copies: 3);
    }

    [Fact]
    public async Task A_deleted_videos_chunks_are_removed_from_every_node_also_from_one_that_is_away()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(5);
        var (video, kept) = (await host.CreateVideoAsync(), await host.CreateVideoAsync());
        var chunk = await host.StoreAsync(video, [1], nodes[..3]);
        nodes[3].Chunks[chunk] = [1]; // a writer that hedged has left it there
        var coded = CodedChunk.Of(video, new byte[100], sequence: 1);
        coded.StoreOn(nodes);
        Assert.True((await host.PostAsync($"/chunk/{coded.Id}/commit", coded.Commit(nodes)))["success"].GetBoolean());
        var other = await host.StoreAsync(kept, [2], nodes[..3]);

        await nodes[0].StopAsync();
        Assert.Equal(204, (await host.SendAsync(HttpMethod.Delete, $"/video/{video}")).Status);
        Assert.Equal(404, (await host.GetAsync($"/manifest/{video}")).Status);
        var late = await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, [1], nodes[..3].Select(node => node.Url)));
        RouteTests.AssertError(late, 404, "Video not found");
        string[] Left(IEnumerable<TestNode> of) => [.. of.SelectMany(node => node.Chunks.Keys).Where(id => id != other)];
        await Poll.UntilAsync(() => Task.FromResult(Left(nodes[1..])), left => left.Length == 0, _withinAMinute, "chunks left on the living nodes");
        Assert.NotEmpty(Left(nodes[..1]));
        await nodes[0].StartAsync();
        await Poll.UntilAsync(() => Task.FromResult(Left(nodes)), left => left.Length == 0, _withinAMinute, "chunks left on the node that is back");
        Assert.True((await host.GetAsync($"/manifest/{kept}"))["total_chunks"].GetInt32() == 1 && nodes[1].Chunks.ContainsKey(other));
    }

    private static async Task<long> PlacedOnAsync(MetadataHost host, TestNode node) =>
        (await host.QueryAsync($"select count(*) from chunk_placements where '{node.Id}' = any(nodes)", row => row.GetInt64(0)))[0];

    private static async Task AssertEveryPlacementHoldsAsync(MetadataHost host, TestNode[] nodes, Dictionary<string, byte[]> chunks, int copies)
    {
        var placed = await host.QueryAsync("select chunk_id, nodes from chunk_placements", row => (Chunk: row.GetString(0), Nodes: row.GetFieldValue<string[]>(1)));
        Assert.Equal(chunks.Keys.Order(), placed.Select(one => one.Chunk).Order());
        Assert.All(placed, one =>
        {
            Assert.Equal(copies, one.Nodes.Distinct().Count());
            Assert.All(one.Nodes, id => Assert.Equal(chunks[one.Chunk], nodes.Single(node => node.Id == id).Chunks[one.Chunk]));
        });
    }
}
