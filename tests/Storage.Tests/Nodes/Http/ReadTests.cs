using System.Text.Json;
using Storage.Fabric;
using Storage.Tests.Nodes.Logs;
using Xunit;

namespace Storage.Tests.Nodes.Http;

public sealed class ReadTests(NodeHost node) : IClassFixture<NodeHost>
{
    private static readonly byte[] _bytes = LogHost.Bytes(5, 5000);

    [Fact]
    public async Task GET_and_HEAD_have_the_same_headers()
    {
        var id = await StoreAsync(_bytes);
        using var got = await node.SendAsync(HttpMethod.Get, "/chunk/" + id);
        using var head = await node.SendAsync(HttpMethod.Head, "/chunk/" + id);
        Assert.Equal(_bytes, await got.Content.ReadAsByteArrayAsync());
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
        foreach (var answer in (HttpResponseMessage[])[got, head])
        {
            answer.HasStatus(200);
            Assert.Equal("application/octet-stream", answer.Header("Content-Type"));
            Assert.Equal("5000", answer.Header("Content-Length"));
            Assert.Equal(Checksum.HexOf(_bytes), answer.Header("ETag"));
            Assert.Equal("5000", answer.Header("X-Chunk-Size"));
            Assert.Equal("1", answer.Header("X-Superblock-ID"));
            Assert.Equal("bytes", answer.Header("Accept-Ranges"));
            Assert.Equal("*", answer.Header("Access-Control-Allow-Origin"));
        }
    }

    [Theory]
    [InlineData("bytes=0-0", 206, 0, 1)]
    [InlineData("bytes=100-199", 206, 100, 100)]
    [InlineData("bytes=4990-", 206, 4990, 10)]
    [InlineData("bytes=-10", 206, 4990, 10)]
    [InlineData("bytes=-9999", 206, 0, 5000)]
    [InlineData("bytes=4000-9999", 206, 4000, 1000)]
    [InlineData("bytes=5000-", 416, 0, 0)]
    [InlineData("bytes=-0", 416, 0, 0)]
    [InlineData("bytes=0-1,3-4", 200, 0, 5000)]
    [InlineData("items=0-1", 200, 0, 5000)]
    [InlineData("bytes=nonsense", 200, 0, 5000)]
    public async Task A_range_is_a_part_of_the_chunk(string range, int status, int start, int length)
    {
        var id = await StoreAsync(_bytes);
        using var answer = await node.SendAsync(HttpMethod.Get, "/chunk/" + id, ("Range", range));
        answer.HasStatus(status);
        if (status == 416)
        {
            Assert.Equal("bytes */5000", answer.Header("Content-Range"));
            await answer.DetailAsync();
            return;
        }

        Assert.Equal(_bytes[start..(start + length)], await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(status == 206 ? $"bytes {start}-{start + length - 1}/5000" : "(none)", answer.Header("Content-Range"));
    }

    [Fact]
    public async Task A_known_etag_is_304_and_a_range_of_other_bytes_is_the_whole()
    {
        var id = await StoreAsync(_bytes);
        var etag = Checksum.HexOf(_bytes);
        foreach (var tag in (string[])[etag, $"\"{etag}\"", $"W/\"{etag}\"", "*", $"\"x\", \"{etag}\""])
        {
            using var known = await node.SendAsync(HttpMethod.Get, "/chunk/" + id, ("If-None-Match", tag));
            known.HasStatus(304);
        }

        using var part = await node.SendAsync(HttpMethod.Get, "/chunk/" + id, ("Range", "bytes=0-9"), ("If-Range", $"\"{etag}\""));
        part.HasStatus(206);
        using var whole = await node.SendAsync(HttpMethod.Get, "/chunk/" + id, ("Range", "bytes=0-9"), ("If-Range", "\"other\""));
        whole.HasStatus(200);
    }

    [Fact]
    public async Task A_corrupt_chunk_is_500_and_none_to_HEAD_until_it_is_stored_again()
    {
        var bytes = LogHost.Bytes(77, 3000);
        var id = await StoreAsync(bytes);
        await node.FlipAsync(bytes);
        foreach (var headers in ((string, string)[][])[[], [("Range", "bytes=2000-2010")]])
        {
            using var corrupt = await node.SendAsync(HttpMethod.Get, "/chunk/" + id, headers);
            corrupt.HasStatus(500);
            Assert.Equal("Chunk corruption detected", await corrupt.DetailAsync());
            Assert.Equal("*", corrupt.Header("Access-Control-Allow-Origin"));
        }

        using var head = await node.SendAsync(HttpMethod.Head, "/chunk/" + id);
        head.HasStatus(404);
        using var healed = await node.PutAsync(id, bytes);
        healed.HasStatus(201);
        Assert.Equal(bytes, await node.Client.GetByteArrayAsync("/chunk/" + id));
    }

    [Theory]
    [InlineData("/chunk/unknown", "Chunk not found")]
    [InlineData("/chunk/a.b", "Chunk not found")]
    [InlineData("/nothing", "Not Found")]
    public async Task What_is_not_there_is_404(string path, string detail)
    {
        using var answer = await node.SendAsync(HttpMethod.Get, path);
        answer.HasStatus(404);
        Assert.Equal(detail, await answer.DetailAsync());
        using var head = await node.SendAsync(HttpMethod.Head, path);
        head.HasStatus(404);
    }

    [Fact]
    public async Task A_ping_measures_nothing_but_the_way()
    {
        await StoreAsync(_bytes);
        foreach (var method in (HttpMethod[])[HttpMethod.Head, HttpMethod.Get])
        {
            using var answer = await node.SendAsync(method, "/ping");
            answer.HasStatus(200);
            Assert.Equal("node-1", answer.Header("X-Node-ID"));
            Assert.Matches("^[0-9]{1,3}\\.[0-9]{2}$", answer.Header("X-Disk-Usage-Percent"));
            Assert.True(int.Parse(answer.Header("X-Chunk-Count")) > 0);
            Assert.Matches("^[0-9]+\\.[0-9]{3}$", answer.Header("X-Response-Time"));
            Assert.Equal("no-cache", answer.Header("Cache-Control"));
            Assert.Empty(await answer.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task Health_has_the_fields_of_the_seed()
    {
        using var answer = await node.SendAsync(HttpMethod.Get, "/health");
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal(["status", "disk_usage", "chunk_count", "uptime", "node_id"], body.RootElement.EnumerateObject().Select(field => field.Name));
        var used = body.RootElement.GetProperty("disk_usage").GetDouble();
        Assert.InRange(used, 0, 100);
        Assert.Equal(used > 95 ? "critical" : used >= 85 ? "warning" : "healthy", body.RootElement.GetProperty("status").GetString());
        answer.HasStatus(used > 95 ? 503 : 200);
        Assert.Equal("node-1", body.RootElement.GetProperty("node_id").GetString());
    }

    [Theory]
    [InlineData("/chunk/x", "PUT")]
    [InlineData("/ping", "GET")]
    public async Task A_browsers_preflight_is_answered(string path, string method)
    {
        using var answer = await node.SendAsync(HttpMethod.Options, path, ("Origin", "https://player.example"), ("Access-Control-Request-Method", method), ("Access-Control-Request-Headers", "range"));
        answer.HasStatus(204);
        Assert.Equal("*", answer.Header("Access-Control-Allow-Origin"));
        Assert.Contains(method, answer.Header("Access-Control-Allow-Methods").Split(", "));
        Assert.Contains("Range", answer.Header("Access-Control-Allow-Headers").Split(", "));
        using var ping = await node.SendAsync(HttpMethod.Head, "/ping", ("Origin", "https://player.example"));
        Assert.Contains("X-Node-ID", ping.Header("Access-Control-Expose-Headers").Split(", "));
    }

    [Fact]
    public async Task Another_method_is_405()
    {
        using var answer = await node.SendAsync(HttpMethod.Post, "/chunk/x");
        answer.HasStatus(405);
        Assert.Equal("Method Not Allowed", await answer.DetailAsync());
    }

    private async Task<string> StoreAsync(byte[] bytes)
    {
        var id = Guid.NewGuid().ToString();
        using var stored = await node.PutAsync(id, bytes);
        stored.HasStatus(201);
        return id;
    }
}
