using System.Text.Json;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>Who holds a chunk, what its acceptors choose, and what stays as it was where a commit is refused.</summary>
public sealed class CommitTests(Servers servers)
{
    private static readonly byte[] _bytes = [1, 2, 3];
    private static readonly byte[] _others = [3, 2, 1];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_chunk_on_all_its_nodes_is_committed_and_its_consensus_is_shown()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(3);
        var video = await host.CreateVideoAsync();
        var chunk = ChunkNames.Chunk(Guid.Parse(video), 0);
        RouteTests.AssertError(await host.GetAsync($"/consensus/{chunk}"), 404, "Consensus state not found");
        await host.StoreAsync(video, _bytes, nodes);

        var state = await host.GetAsync($"/consensus/{chunk}");
        Assert.Equal(["chunk_id", "promised_ballot", "accepted_ballot", "accepted_value", "phase"], state.Body.EnumerateObject().Select(field => field.Name));
        Assert.Equal((chunk, 1, 1, "committed"), (state["chunk_id"].GetString(), state["promised_ballot"].GetInt64(), state["accepted_ballot"].GetInt64(), state["phase"].GetString()));
        Assert.Equal(nodes.Select(node => node.Url).Order(), JsonSerializer.Deserialize<string[]>(state["accepted_value"].GetString()!)!.Order());
        Assert.Equal($$"""{"chunk_id":"{{chunk}}","fragments":[]}""", (await host.GetAsync($"/chunk/{chunk}/fragments")).Body.GetRawText());
        Assert.Equal("""{"chunk_id":"unknown","fragments":[]}""", (await host.GetAsync("/chunk/unknown/fragments")).Body.GetRawText());

        var again = await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _bytes, nodes.Select(node => node.Url)));
        Assert.Equal((200, true, $"Chunk {chunk} committed to 3 nodes"), (again.Status, again["success"].GetBoolean(), again["message"].GetString()));
    }

    [Fact]
    public async Task Two_of_three_are_enough_and_one_changes_nothing()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(3);
        var video = await host.CreateVideoAsync();
        var chunk = ChunkNames.Chunk(Guid.Parse(video), 0);
        var body = MetadataHost.Commit(video, _bytes, nodes.Select(node => node.Url));
        nodes[0].Chunks[chunk] = _bytes;
        nodes[1].Chunks[chunk] = _others; // there, and not with this checksum

        var before = await host.DumpAsync();
        var refused = await host.PostAsync($"/chunk/{chunk}/commit", body);
        Assert.Equal((200, false, 0), (refused.Status, refused["success"].GetBoolean(), refused["committed_nodes"].GetArrayLength()));
        Assert.Contains(chunk, refused["message"].GetString(), StringComparison.Ordinal);
        Assert.Equal(before, await host.DumpAsync());

        nodes[2].Chunks[chunk] = _bytes;
        var committed = await host.PostAsync($"/chunk/{chunk}/commit", body);
        Assert.True(committed["success"].GetBoolean());
        Assert.Equal([nodes[0].Url, nodes[2].Url], committed["committed_nodes"].EnumerateArray().Select(url => url.GetString()));
    }

    [Fact]
    public async Task Other_content_of_a_committed_chunk_is_a_conflict_and_changes_nothing()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(6);
        var video = await host.CreateVideoAsync();
        var chunk = await host.StoreAsync(video, _bytes, nodes[..3]);
        foreach (var node in nodes[3..])
        {
            node.Chunks[chunk] = _others;
        }

        var before = await host.DumpAsync();
        var lost = await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _others, nodes[3..].Select(node => node.Url)));
        Assert.Equal((409, false, 0), (lost.Status, lost["success"].GetBoolean(), lost["committed_nodes"].GetArrayLength()));
        Assert.Equal(lost["message"].GetString(), lost["detail"].GetString());
        Assert.Equal(before, await host.DumpAsync());

        var told = await new MetadataClient(host.Http).CommitAsync(chunk, new([.. nodes[3..].Select(node => node.Url)], Checksum.HexOf(_others), _others.Length, Guid.Parse(video), 0), Ct);
        Assert.True(told is { Success: false, Conflict: true });
        Assert.Equal($"Consensus conflict: chunk {chunk} is committed with other content", told.Message);
    }

    [Fact]
    public async Task Of_rivals_with_other_content_on_overlapping_nodes_one_wins_on_all_replicas()
    {
        await using var first = await MetadataHost.StartAsync(servers, Ct);
        await using var second = await MetadataHost.StartAsync(first.Database, Ct);
        var nodes = await first.AddNodesAsync(5);
        var video = await first.CreateVideoAsync();
        for (var sequence = 0; sequence < 20; sequence++)
        {
            var chunk = ChunkNames.Chunk(Guid.Parse(video), sequence);
            foreach (var (node, i) in nodes.Select((node, i) => (node, i)))
            {
                node.Chunks[chunk] = i < 3 ? _bytes : _others; // node 3 is named by both, and holds the one's
            }

            var answers = await Task.WhenAll(
                first.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _bytes, nodes[..3].Select(node => node.Url), sequence)),
                second.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _others, nodes[2..].Select(node => node.Url), sequence)));
            Assert.Equal([200, 409], answers.Select(answer => answer.Status).Order());
            var winner = answers[0].Status == 200 ? _bytes : _others;
            foreach (var host in (MetadataHost[])[first, second])
            {
                var entry = (await host.GetAsync($"/manifest/{video}"))["chunks"].EnumerateArray().Single(entry => entry.GetProperty("chunk_id").GetString() == chunk);
                Assert.Equal(Checksum.InJson(Checksum.HexOf(winner)), entry.GetProperty("checksum").GetString());
            }
        }
    }

    [Fact]
    public async Task The_same_commit_many_times_at_once_is_one_commit()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(3);
        var video = await host.CreateVideoAsync();
        var chunk = ChunkNames.Chunk(Guid.Parse(video), 0);
        foreach (var node in nodes)
        {
            node.Chunks[chunk] = _bytes;
        }

        var answers = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _bytes, nodes.Select(node => node.Url)))));
        Assert.All(answers, answer => Assert.True(answer.Status == 200 && answer["success"].GetBoolean(), answer.ToString()));
        Assert.Equal([1L], await host.QueryAsync("select count(*) from chunk_placements", row => row.GetInt64(0)));
    }

    [Fact]
    public async Task Without_a_majority_of_acceptors_nothing_is_decided_and_the_commit_may_be_repeated()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(3);
        var holders = await host.AddNodesAsync(2, isNative: false, prefix: "foreign");
        var video = await host.CreateVideoAsync();
        var chunk = ChunkNames.Chunk(Guid.Parse(video), 0);
        await Poll.UntilAsync(
            async () => (await host.QueryAsync("select count(*) from nodes where is_native is not null", row => row.GetInt64(0)))[0], count => count == 5, TimeSpan.FromSeconds(10), "all nodes asked");
        foreach (var node in holders)
        {
            node.Chunks[chunk] = _bytes;
        }

        nodes[0].RefusesConsensus = nodes[1].RefusesConsensus = true;
        var body = MetadataHost.Commit(video, _bytes, holders.Select(node => node.Url));
        var undecided = await host.PostAsync($"/chunk/{chunk}/commit", body);
        Assert.Equal(503, undecided.Status);
        Assert.NotNull(undecided.Headers.RetryAfter);
        Assert.NotEmpty(undecided["detail"].GetString()!);
        Assert.Empty(await host.QueryAsync("select 1 from chunk_decisions", row => row.GetInt32(0)));
        Assert.Contains((await host.GetAsync($"/consensus/{chunk}"))["phase"].GetString(), (string[])["prepare", "accept"]);

        nodes[0].RefusesConsensus = false; // one may stay away
        var committed = await host.PostAsync($"/chunk/{chunk}/commit", body);
        Assert.True(committed["success"].GetBoolean());
    }

    [Fact]
    public async Task Nodes_that_speak_only_the_documented_api_hold_chunks_and_the_database_decides()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(3, isNative: false);
        var video = await host.CreateVideoAsync();
        var chunk = await host.StoreAsync(video, _bytes, nodes);
        Assert.Equal("committed", (await host.GetAsync($"/consensus/{chunk}"))["phase"].GetString());
        Assert.Equal([0], await host.QueryAsync("select cardinality(acceptors) from chunk_groups", row => row.GetInt32(0)));

        await host.AddNodesAsync(3, prefix: "native"); // later ones change nothing of a group that is fixed
        foreach (var node in nodes)
        {
            node.Chunks[chunk] = _others;
        }

        Assert.Equal(409, (await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _others, nodes.Select(node => node.Url)))).Status);
    }

    [Fact]
    public async Task Aliases_of_a_node_mean_the_node_and_two_names_are_not_two_copies()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, ("Metadata:Aliases:0", "http://storage-node-2:8081=node-2"));
        var nodes = await host.AddNodesAsync(3);
        var video = await host.CreateVideoAsync();
        var chunk = ChunkNames.Chunk(Guid.Parse(video), 0);
        nodes[0].Chunks[chunk] = nodes[1].Chunks[chunk] = _bytes;
        var localhost = nodes[0].Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal); // found by asking /ping

        var refused = await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _bytes, [nodes[0].Url, localhost, nodes[2].Url]));
        Assert.False(refused["success"].GetBoolean());
        var committed = await host.PostAsync($"/chunk/{chunk}/commit", MetadataHost.Commit(video, _bytes, [localhost, "http://storage-node-2:8081", "http://127.0.0.1:1"]));
        Assert.True(committed["success"].GetBoolean(), committed.ToString());
        Assert.Equal([localhost, "http://storage-node-2:8081"], committed["committed_nodes"].EnumerateArray().Select(url => url.GetString()));
        var replicas = (await host.GetAsync($"/manifest/{video}"))["chunks"][0].GetProperty("replicas").EnumerateArray().Select(url => url.GetString());
        Assert.Equal(nodes[..2].Select(node => node.Url).Order(), replicas.Order());
    }

    [Fact]
    public async Task A_coded_chunk_is_committed_with_its_fragments_and_is_read_whole_here()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(5);
        var video = await host.CreateVideoAsync();
        var coded = CodedChunk.Of(video, [.. Enumerable.Range(0, 1000).Select(i => (byte)i)]);
        coded.StoreOn(nodes);
        var committed = await host.PostAsync($"/chunk/{coded.Id}/commit", coded.Commit(nodes));
        Assert.True(committed["success"].GetBoolean(), committed.ToString());
        Assert.Equal(5, committed["committed_nodes"].GetArrayLength());

        var fragments = (await host.GetAsync($"/chunk/{coded.Id}/fragments"))["fragments"];
        Assert.Equal(
            ["fragment_id", "chunk_id", "fragment_index", "node_url", "size_bytes", "checksum", "status", "created_at"], fragments[0].EnumerateObject().Select(field => field.Name));
        Assert.Equal(nodes.Select(node => node.Url), fragments.EnumerateArray().Select(fragment => fragment.GetProperty("node_url").GetString()));
        Assert.All(fragments.EnumerateArray(), fragment => Assert.Equal((334, "active"), (fragment.GetProperty("size_bytes").GetInt32(), fragment.GetProperty("status").GetString())));

        var entry = (await host.GetAsync($"/manifest/{video}"))["chunks"][0];
        Assert.Equal(("erasure_coding", 5), (entry.GetProperty("redundancy_mode").GetString(), entry.GetProperty("fragments").GetArrayLength()));
        var here = Assert.Single(entry.GetProperty("replicas").EnumerateArray()).GetString()!;
        foreach (var lost in (int[])[0, 4])
        {
            nodes[lost].Chunks.Clear();
        }

        using var whole = await host.Http.GetAsync($"{here}/chunk/{coded.Id}", Ct);
        Assert.Equal(coded.Bytes, await whole.Content.ReadAsByteArrayAsync(Ct));
        Assert.Equal((Checksum.HexOf(coded.Bytes), "1000"), (whole.Headers.NonValidated["ETag"].ToString(), whole.Headers.GetValues("X-Chunk-Size").Single()));
        using HttpRequestMessage ping = new(HttpMethod.Head, $"{here}/ping");
        using var pinged = await host.Http.SendAsync(ping, Ct);
        Assert.True(pinged.IsSuccessStatusCode && pinged.Headers.Contains("X-Node-ID"));
        RouteTests.AssertError(await host.GetAsync("/chunk/unknown"), 404, "Chunk not found");
    }

    [Fact]
    public async Task Fragments_that_do_not_make_a_chunk_are_refused()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(5);
        var video = await host.CreateVideoAsync();
        var coded = CodedChunk.Of(video, new byte[1000]);
        nodes[0].Chunks[Fabric.ChunkNames.Fragment(coded.Id, 0)] = coded.Shards[0];
        nodes[1].Chunks[Fabric.ChunkNames.Fragment(coded.Id, 1)] = coded.Shards[1];
        var before = await host.DumpAsync();
        Assert.False((await host.PostAsync($"/chunk/{coded.Id}/commit", coded.Commit(nodes)))["success"].GetBoolean());
        foreach (var text in (Func<string, string>[])
            [
                body => body.Replace("\"fragment_index\":4", "\"fragment_index\":3", StringComparison.Ordinal),
                body => body.Replace("\"size_bytes\":334", "\"size_bytes\":335", StringComparison.Ordinal),
                body => body.Replace("\"fragments_metadata\"", "\"others\"", StringComparison.Ordinal),
            ])
        {
            Assert.Equal(422, (await host.PostAsync($"/chunk/{coded.Id}/commit", text(JsonSerializer.Serialize(coded.Commit(nodes))))).Status);
        }

        Assert.Equal(before, await host.DumpAsync());
    }

    [Fact]
    public async Task Commits_at_once_share_their_messages()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(3);
        var video = await host.CreateVideoAsync();
        await host.StoreAsync(video, _bytes, nodes);
        await Task.WhenAll(Enumerable.Range(1, 64).Select(sequence => host.StoreAsync(video, _bytes, nodes, sequence)));
        Assert.Contains(nodes, node => node.Batches.Any(size => size > 4));
        Assert.Equal(65, (await host.GetAsync($"/manifest/{video}"))["total_chunks"].GetInt32());
    }
}
