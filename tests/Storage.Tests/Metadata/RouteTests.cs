using System.Text.Json;
using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>Every route of seed 002's metadata service: fields, texts and codes as documented.</summary>
public sealed class RouteTests(Servers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_service_says_who_it_is_and_how_it_does()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        await host.AddNodesAsync(3);

        Assert.Equal("""{"message":"V-Stack Metadata Service","version":"1.0.0"}""", (await host.GetAsync("/")).Body.GetRawText());
        Assert.Equal("""{"status":"healthy","service":"metadata-service","healthy_nodes":3,"total_nodes":3,"database_status":"healthy"}""", (await host.GetAsync("/health")).Body.GetRawText());
        Assert.Equal("""{"total_videos":0,"total_chunks":0,"total_replicas":0,"healthy_nodes":3,"service_version":"1.0.0"}""", (await host.GetAsync("/stats")).Body.GetRawText());
    }

    [Fact]
    public async Task A_video_is_created_listed_viewed_changed_and_deleted()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var id = await host.CreateVideoAsync();
        var given = Guid.NewGuid().ToString();
        var created = await host.PostAsync("/video", new { title = "Another", duration_sec = 7, client_video_id = given.ToUpperInvariant() });
        Assert.Equal($$"""{"video_id":"{{given}}","upload_url":"/upload/{{given}}"}""", created.Body.GetRawText());
        Assert.Equal(created.Body.GetRawText(), (await host.PostAsync("/video", new { title = "Again", duration_sec = 9, client_video_id = given })).Body.GetRawText());

        var rows = (await host.GetAsync("/videos")).Body.EnumerateArray().ToList();
        Assert.Equal([given, id], rows.Select(row => row.GetProperty("video_id").GetString())); // the newest first
        Assert.Equal(
            ["video_id", "title", "duration_sec", "total_chunks", "status", "created_at", "chunk_size_bytes"], rows[0].EnumerateObject().Select(field => field.Name));
        Assert.Equal(("Another", 7, 0, "uploading", 2097152), (
            rows[0].GetProperty("title").GetString(), rows[0].GetProperty("duration_sec").GetInt32(), rows[0].GetProperty("total_chunks").GetInt32(), rows[0].GetProperty("status").GetString(),
            rows[0].GetProperty("chunk_size_bytes").GetInt32()));
        Assert.EndsWith("Z", rows[0].GetProperty("created_at").GetString()!, StringComparison.Ordinal);
        Assert.Equal(id, Assert.Single((await host.GetAsync("/videos?limit=1&offset=1")).Body.EnumerateArray()).GetProperty("video_id").GetString());

        Assert.Equal($$"""{"video_id":"{{id}}","view_count":0}""", (await host.GetAsync($"/video/{id}/popularity")).Body.GetRawText());
        Assert.Equal($$"""{"status":"ok","message":"View count incremented for {{id}}"}""", (await host.PostAsync($"/video/{id}/view")).Body.GetRawText());
        Assert.Equal($$"""{"video_id":"{{id}}","view_count":1}""", (await host.GetAsync($"/video/{id}/popularity")).Body.GetRawText());

        var active = await host.SendAsync(HttpMethod.Patch, $"/video/{id}/status", new { status = "active" });
        Assert.Equal($$"""{"status":"success","message":"Video status updated to active","video_id":"{{id}}"}""", active.Body.GetRawText());

        Assert.Equal(204, (await host.SendAsync(HttpMethod.Delete, $"/video/{id}")).Status);
        Assert.Equal(200, (await host.SendAsync(HttpMethod.Patch, $"/video/{given}/status", new { status = "deleted" })).Status);
        foreach (var gone in (string[])[id, given])
        {
            AssertError(await host.SendAsync(HttpMethod.Delete, $"/video/{gone}"), 404, "Video not found");
            AssertError(await host.GetAsync($"/manifest/{gone}"), 404, "Video not found");
        }

        Assert.Empty((await host.GetAsync("/videos")).Body.EnumerateArray());
        Assert.Equal(409, (await host.PostAsync("/video", new { title = "Back", duration_sec = 1, client_video_id = id })).Status);
    }

    [Fact]
    public async Task Views_of_an_unknown_video_begin_at_nought_and_are_counted()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        Assert.Equal(0, (await host.GetAsync("/video/nobody/popularity"))["view_count"].GetInt32());
        Assert.Equal("ok", (await host.PostAsync("/video/nobody/view"))["status"].GetString());
        Assert.Equal(1, (await host.GetAsync("/video/nobody/popularity"))["view_count"].GetInt32());
    }

    [Fact]
    public async Task A_manifest_lists_its_chunks_by_sequence()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var nodes = await host.AddNodesAsync(3);
        var id = await host.CreateVideoAsync();
        byte[] second = [4, 5], first = [1, 2, 3];
        await host.StoreAsync(id, second, nodes, sequence: 1);
        var chunk = await host.StoreAsync(id, first, nodes, sequence: 0);

        var manifest = await host.GetAsync($"/manifest/{id}");
        Assert.Equal((2, 10, 2097152, "uploading", 600, "A video"), (
            manifest["total_chunks"].GetInt32(), manifest["chunk_duration_sec"].GetInt32(), manifest["chunk_size_bytes"].GetInt32(), manifest["status"].GetString(), manifest["duration_sec"].GetInt32(),
            manifest["title"].GetString()));
        Assert.Equal([0, 1], manifest["chunks"].EnumerateArray().Select(entry => entry.GetProperty("sequence_num").GetInt32()));
        var entry = manifest["chunks"][0];
        Assert.Equal(["chunk_id", "sequence_num", "size_bytes", "checksum", "redundancy_mode", "replicas", "fragments"], entry.EnumerateObject().Select(field => field.Name));
        Assert.Equal((chunk, 3, Fabric.Checksum.InJson(Fabric.Checksum.HexOf(first)), "replication"), (
            entry.GetProperty("chunk_id").GetString(), entry.GetProperty("size_bytes").GetInt32(), entry.GetProperty("checksum").GetString(), entry.GetProperty("redundancy_mode").GetString()));
        Assert.Equal(nodes.Select(node => node.Url).Order(), entry.GetProperty("replicas").EnumerateArray().Select(url => url.GetString()!).Order());
        Assert.Equal(JsonValueKind.Null, entry.GetProperty("fragments").ValueKind);
        Assert.Equal((1, 2, 6), ((await host.GetAsync("/stats"))["total_videos"].GetInt32(), (await host.GetAsync("/stats"))["total_chunks"].GetInt32(), (await host.GetAsync("/stats"))["total_replicas"].GetInt32()));
    }

    [Fact]
    public async Task Nodes_register_either_way_and_are_listed_by_free_space()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, ("Metadata:ProbeSeconds", "60"), ("Metadata:DegradedAfterSeconds", "10"), ("Metadata:DownAfterSeconds", "20"));
        var byQuery = await host.PostAsync("/nodes/register?node_url=http://127.0.0.1:1&node_id=storage-node-1");
        Assert.Equal("""{"status":"registered","node_id":"storage-node-1","node_url":"http://127.0.0.1:1"}""", byQuery.Body.GetRawText());
        Assert.Equal(200, (await host.PostAsync("/nodes/register", new { node_url = "http://127.0.0.1:2", node_id = "storage-node-2", version = "2.1" })).Status);
        Assert.Equal(
            """{"status":"ok","message":"Heartbeat updated for node storage-node-1"}""",
            (await host.PostAsync("/nodes/storage-node-1/heartbeat", new { disk_usage_percent = 45.2, chunk_count = 1250 })).Body.GetRawText());

        var healthy = (await host.GetAsync("/nodes/healthy")).Body;
        Assert.Equal(["storage-node-2", "storage-node-1"], healthy.EnumerateArray().Select(node => node.GetProperty("node_id").GetString()));
        var node = healthy[1];
        Assert.Equal(["node_url", "node_id", "last_heartbeat", "disk_usage_percent", "chunk_count", "status", "version"], node.EnumerateObject().Select(field => field.Name));
        Assert.Equal((45.2, 1250, "healthy", "1.0.0"), (
            node.GetProperty("disk_usage_percent").GetDouble(), node.GetProperty("chunk_count").GetInt32(), node.GetProperty("status").GetString(), node.GetProperty("version").GetString()));
        Assert.Equal(2, (await host.GetAsync("/nodes/all"))["nodes"].GetArrayLength());
        Assert.Equal("""{"healthy":2,"degraded":0,"down":0}""", (await host.GetAsync("/nodes/health-summary")).Body.GetRawText());

        // The same address under another id, then the same id at another address.
        await host.PostAsync("/nodes/register", new { node_url = "http://127.0.0.1:2", node_id = "storage-node-3" });
        await host.PostAsync("/nodes/register", new { node_url = "http://127.0.0.1:4", node_id = "storage-node-1" });
        var all = (await host.GetAsync("/nodes/all"))["nodes"].EnumerateArray().Select(row => (row.GetProperty("node_id").GetString(), row.GetProperty("node_url").GetString()));
        Assert.Equal([("storage-node-1", "http://127.0.0.1:4"), ("storage-node-3", "http://127.0.0.1:2")], all);
        AssertError(await host.PostAsync("/nodes/storage-node-2/heartbeat", new { disk_usage_percent = 1, chunk_count = 1 }), 404, "Node not found");
    }

    [Fact]
    public async Task Redundancy_follows_views_and_the_override()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var id = await host.CreateVideoAsync();
        await host.QueryAsync($"insert into views (video_id, count) values ('{id}', 1000) returning 1", row => row.GetInt32(0));
        var coded = await host.GetAsync($"/redundancy/recommend/{id}");
        Assert.Equal((id, 1000, "erasure_coding"), (coded["video_id"].GetString(), coded["view_count"].GetInt32(), coded["recommended_mode"].GetString()));
        Assert.Equal((3, 2, 5, 3), (
            coded["config"].GetProperty("data_shards").GetInt32(), coded["config"].GetProperty("parity_shards").GetInt32(), coded["config"].GetProperty("total_shards").GetInt32(),
            coded["config"].GetProperty("min_shards_for_recovery").GetInt32()));
        await host.PostAsync($"/video/{id}/view");
        Assert.Equal("replication", (await host.GetAsync($"/redundancy/recommend/{id}"))["recommended_mode"].GetString());

        Assert.Equal(
            $$"""{"status":"ok","video_id":"{{id}}","override_mode":"erasure_coding","message":"Manual override set to erasure_coding"}""",
            (await host.PostAsync($"/redundancy/override/{id}?mode=erasure_coding")).Body.GetRawText());
        Assert.Equal("erasure_coding", (await host.GetAsync($"/redundancy/recommend/{id}"))["recommended_mode"].GetString());
        Assert.Equal(
            $$"""{"status":"ok","video_id":"{{id}}","message":"Manual override cleared"}""", (await host.SendAsync(HttpMethod.Delete, $"/redundancy/override/{id}")).Body.GetRawText());
        Assert.Equal("replication", (await host.GetAsync($"/redundancy/recommend/{id}"))["recommended_mode"].GetString());
        AssertError(await host.PostAsync($"/redundancy/override/{id}?mode=mirror"), 400, "Invalid mode: mirror. Use 'replication' or 'erasure_coding'");

        Assert.Equal(
            """{"popularity_threshold":1000,"replication_factor":3,"erasure_data_shards":3,"erasure_parity_shards":2,"erasure_total_shards":5}""",
            (await host.GetAsync("/redundancy/config")).Body.GetRawText());
        var efficiency = await host.GetAsync("/redundancy/efficiency");
        var figures = efficiency["efficiency"];
        Assert.Equal((3, 1.67, 44.4), (
            figures.GetProperty("replication_overhead_factor").GetDouble(), figures.GetProperty("erasure_coding_overhead_factor").GetDouble(), figures.GetProperty("storage_savings_percent").GetDouble()));
        Assert.NotEmpty(figures.GetProperty("description").GetString()!);
        foreach (var (mode, megabytes, nodes) in ((string, double, int)[])[("replication", 6, 3), ("erasure_coding", 3.33, 5)])
        {
            var compared = efficiency["mode_comparison"].GetProperty(mode);
            Assert.Equal((megabytes, nodes, 2), (
                compared.GetProperty("storage_per_chunk_mb").GetDouble(), compared.GetProperty("nodes_required").GetInt32(), compared.GetProperty("failures_tolerated").GetInt32()));
            Assert.NotEmpty(compared.GetProperty("use_case").GetString()!);
        }

        var savings = efficiency["mode_comparison"].GetProperty("savings");
        Assert.Equal((2.67, 44.4), (savings.GetProperty("storage_saved_mb").GetDouble(), savings.GetProperty("savings_percent").GetDouble()));
    }

    [Fact]
    public async Task Overhead_counts_three_copies_of_replicated_and_five_thirds_of_coded_chunks()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        Assert.Equal(0, (await host.GetAsync("/storage/overhead"))["storage_savings_percent"].GetDouble());
        var nodes = await host.AddNodesAsync(5);
        var id = await host.CreateVideoAsync();
        await host.StoreAsync(id, new byte[300], nodes[..3]);
        var coded = CodedChunk.Of(id, new byte[600], sequence: 1);
        coded.StoreOn(nodes);
        Assert.Equal(200, (await host.PostAsync($"/chunk/{coded.Id}/commit", coded.Commit(nodes))).Status);
        Assert.Equal(
            """
            {"replication_chunks":1,"erasure_coded_chunks":1,"total_logical_bytes":900,"total_physical_bytes":1900,"storage_savings_percent":29.6,"replication_overhead_bytes":600,"erasure_overhead_bytes":400}
            """.Trim(), (await host.GetAsync("/storage/overhead")).Body.GetRawText());
    }

    internal static void AssertError(Answer answer, int status, string detail)
    {
        Assert.Equal((status, detail), (answer.Status, answer["detail"].GetString()));
        Assert.True(answer.Headers.CacheControl?.NoStore);
    }
}
