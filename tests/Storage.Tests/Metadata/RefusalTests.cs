using System.Text.Json;
using Storage.Metadata;
using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>What is wrong with a request is said in the shape that existing clients read, and nothing is changed by it.</summary>
public sealed class RefusalTests(Servers servers)
{
    private const string Credential = "a credential for the tests";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Bodies_that_are_wrong_are_422_with_where_and_what()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        await host.PostAsync("/nodes/register?node_url=http://127.0.0.1:1&node_id=n");
        const string Commit = "/chunk/c-chunk-000/commit";
        const string Good = """{"node_urls":["http://n"],"checksum":"0000000000000000000000000000000000000000000000000000000000000000","size_bytes":1,"video_id":"v","sequence_num":0}""";
        var before = await host.DumpAsync();
        foreach (var (path, body, field, type) in ((string, string, string, string)[])
            [
                ("/video", "{", "", "json_invalid"),
                ("/video", "[]", "", "model_attributes_type"),
                ("/video", """{"title":"\ud800","duration_sec":1}""", "", "json_invalid"),
                ("/video", """{"\udc00":1}""", "", "json_invalid"),
                ("/video", """{"duration_sec":1}""", "title", "missing"),
                ("/video", """{"title":"","duration_sec":1}""", "title", "string_too_short"),
                ("/video", $$"""{"title":"{{new string('t', 256)}}","duration_sec":1}""", "title", "string_too_long"),
                ("/video", """{"title":5,"duration_sec":1}""", "title", "string_type"),
                ("/video", """{"title":"nul \u0000","duration_sec":1}""", "title", "value_error"),
                ("/video", """{"title":"t","duration_sec":0}""", "duration_sec", "greater_than_equal"),
                ("/video", """{"title":"t","duration_sec":1.5}""", "duration_sec", "int_from_float"),
                ("/video", """{"title":"t","duration_sec":"many"}""", "duration_sec", "int_parsing"),
                ("/video", """{"title":"t","duration_sec":1e300}""", "duration_sec", "less_than_equal"),
                ("/video", """{"title":"t","duration_sec":1,"client_video_id":"a b"}""", "client_video_id", "string_pattern_mismatch"),
                ("/nodes/register", """{"node_id":"x"}""", "node_url", "missing"),
                ("/nodes/n/heartbeat", """{"disk_usage_percent":101,"chunk_count":0}""", "disk_usage_percent", "less_than_equal"),
                ("/nodes/n/heartbeat", """{"disk_usage_percent":1,"chunk_count":-1}""", "chunk_count", "greater_than_equal"),
                ("/nodes/n/heartbeat", "{}", "disk_usage_percent", "missing"),
                (Commit, Good.Replace("[\"http://n\"]", "[]", StringComparison.Ordinal), "node_urls", "too_short"),
                (Commit, Good.Replace("[\"http://n\"]", "[1]", StringComparison.Ordinal), "node_urls", "string_type"),
                (Commit, Good.Replace("[\"http://n\"]", $"[{string.Join(',', Enumerable.Repeat("\"u\"", 17))}]", StringComparison.Ordinal), "node_urls", "too_long"),
                (Commit, Good.Replace("0000\"", "000g\"", StringComparison.Ordinal), "checksum", "value_error"),
                (Commit, Good.Replace("\"size_bytes\":1", "\"size_bytes\":2098177", StringComparison.Ordinal), "size_bytes", "less_than_equal"),
                (Commit, Good.Replace("\"sequence_num\":0", "\"sequence_num\":-1", StringComparison.Ordinal), "sequence_num", "greater_than_equal"),
                (Commit, Good.Replace("}", ",\"redundancy_mode\":\"raid\"}", StringComparison.Ordinal), "redundancy_mode", "enum"),
            ])
        {
            var answer = await host.PostAsync(path, body);
            Assert.True(answer.Status == 422, $"{path} {body}: {answer}");
            var issue = answer["detail"][0];
            Assert.Equal(["loc", "msg", "type"], issue.EnumerateObject().Select(part => part.Name));
            Assert.Equal(field.Length > 0 ? ["body", field] : (string[])["body"], issue.GetProperty("loc").EnumerateArray().Select(part => part.GetString()));
            Assert.Equal(type, issue.GetProperty("type").GetString());
            Assert.NotEmpty(issue.GetProperty("msg").GetString()!);
        }

        Assert.Equal("missing", (await host.PostAsync("/video"))["detail"][0].GetProperty("type").GetString());
        Assert.Equal("query", (await host.GetAsync("/videos?limit=many"))["detail"][0].GetProperty("loc")[0].GetString());
        Assert.Equal(422, (await host.PostAsync("/redundancy/override/v")).Status);
        Assert.Equal(before, await host.DumpAsync());
    }

    [Fact]
    public async Task Values_out_of_bounds_are_400_and_what_is_not_there_404_or_405()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var id = await host.CreateVideoAsync();
        foreach (var limit in (string[])["0", "1001", "-1", "99999999999999"])
        {
            RouteTests.AssertError(await host.GetAsync($"/videos?limit={limit}"), 400, "Limit must be between 1 and 1000");
        }

        RouteTests.AssertError(await host.GetAsync("/videos?offset=-1"), 400, "Offset must be non-negative");
        RouteTests.AssertError(await host.SendAsync(HttpMethod.Patch, $"/video/{id}/status", new { status = "ready" }), 400, "Invalid status. Must be one of: uploading, active, deleted");
        RouteTests.AssertError(await host.SendAsync(HttpMethod.Patch, $"/video/{Guid.NewGuid()}/status", new { status = "active" }), 404, "Video not found");
        foreach (var url in (string[])["ftp://node:1", "node-1:8081", "http://", "http://user@node:1", "http://node:1/?x=1"])
        {
            RouteTests.AssertError(await host.PostAsync("/nodes/register", new { node_url = url, node_id = "n" }), 400, "Invalid node_url: must start with http:// or https://");
        }

        RouteTests.AssertError(await host.PostAsync("/chunk/no%20id/commit", new { }), 400, "Invalid chunk ID format");
        RouteTests.AssertError(await host.PostAsync("/nodes/nobody/heartbeat", new { disk_usage_percent = 1, chunk_count = 1 }), 404, "Node not found");
        foreach (var path in (string[])["/manifest/nobody", "/manifest/..%2f..", $"/manifest/{Guid.NewGuid()}"])
        {
            RouteTests.AssertError(await host.GetAsync(path), 404, "Video not found");
        }

        RouteTests.AssertError(await host.GetAsync("/nowhere"), 404, "Not Found");
        RouteTests.AssertError(await host.SendAsync(HttpMethod.Put, "/videos"), 405, "Method Not Allowed");
    }

    [Fact]
    public async Task Pages_of_any_origin_may_call()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        Assert.Equal(["*"], (await host.GetAsync("/videos")).Headers.GetValues("Access-Control-Allow-Origin"));
        Assert.Equal(["*"], (await host.GetAsync("/nowhere")).Headers.GetValues("Access-Control-Allow-Origin"));
        using HttpRequestMessage preflight = new(HttpMethod.Options, "/video") { Headers = { { "Origin", "http://a" }, { "Access-Control-Request-Method", "POST" }, { "Access-Control-Request-Headers", "content-type" } } };
        using var answer = await host.Http.SendAsync(preflight, Ct);
        Assert.Equal((204, "content-type"), ((int)answer.StatusCode, answer.Headers.GetValues("Access-Control-Allow-Headers").Single()));
        Assert.Contains("POST", answer.Headers.GetValues("Access-Control-Allow-Methods").Single(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_credential_set_nobody_else_changes_anything_and_nodes_get_it()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, ("Metadata:NodeCredential", Credential));
        var nodes = await host.AddNodesAsync(3, credential: Credential);
        foreach (var (method, path) in ((HttpMethod, string)[])
            [
                (HttpMethod.Post, "/video"), (HttpMethod.Patch, "/video/v/status"), (HttpMethod.Delete, "/video/v"), (HttpMethod.Post, "/chunk/c/commit"), (HttpMethod.Post, "/nodes/register"),
                (HttpMethod.Post, "/nodes/node-1/heartbeat"), (HttpMethod.Post, "/redundancy/override/v?mode=replication"), (HttpMethod.Delete, "/redundancy/override/v"),
            ])
        {
            foreach (var wrong in (string?[])[null, "another credential of tests"])
            {
                var refused = await host.SendAsync(method, path, method == HttpMethod.Delete ? null : new { }, wrong);
                Assert.Equal(401, refused.Status);
                Assert.Equal(["Bearer"], refused.Headers.WwwAuthenticate.Select(scheme => scheme.Scheme));
                Assert.NotEmpty(refused["detail"].GetString()!);
            }
        }

        Assert.Equal(200, (await host.PostAsync("/video/v/view")).Status); // playback counts for everybody
        var created = await host.SendAsync(HttpMethod.Post, "/video", new { title = "t", duration_sec = 1 }, Credential);
        var video = created["video_id"].GetString()!;
        var chunk = Fabric.ChunkNames.Chunk(Guid.Parse(video), 0);
        foreach (var node in nodes)
        {
            node.Chunks[chunk] = [1];
        }

        var committed = await host.SendAsync(HttpMethod.Post, $"/chunk/{chunk}/commit", MetadataHost.Commit(video, [1], nodes.Select(node => node.Url)), Credential);
        Assert.True(committed["success"].GetBoolean(), committed.ToString());
        Assert.Equal(204, (await host.SendAsync(HttpMethod.Delete, $"/video/{video}", credential: Credential)).Status);
        await Poll.UntilAsync(() => Task.FromResult(nodes.Sum(node => node.Chunks.Count)), count => count == 0, TimeSpan.FromSeconds(20), "chunks left on nodes");
    }

    [Fact]
    public async Task In_production_it_does_not_start_without_a_credential_unless_it_is_told_to()
    {
        var database = await MetadataHost.CreateDatabaseAsync(servers, Ct);
        await using var closed = StorageMetadata.Build(MetadataHost.Arguments(database, ("environment", "Production")));
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => closed.StartAsync(Ct));
        Assert.Contains("Metadata:NodeCredential", refused.Message, StringComparison.Ordinal);
        await using var open = await MetadataHost.StartAsync(database, Ct, ("environment", "Production"), ("Metadata:Open", "true"));
        Assert.Equal(200, (await open.PostAsync("/video", new { title = "t", duration_sec = 1 })).Status);
    }
}
