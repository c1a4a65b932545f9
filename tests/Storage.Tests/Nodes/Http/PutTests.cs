using System.Net.Sockets;
using System.Text;
using Storage.Fabric;
using Storage.Tests.Nodes.Logs;
using Xunit;

namespace Storage.Tests.Nodes.Http;

public sealed class PutTests(NodeHost node) : IClassFixture<NodeHost>
{
    private static readonly byte[] _bytes = LogHost.Bytes(5, 5000);

    [Fact]
    public async Task A_new_chunk_is_201_and_a_known_one_200_with_the_same_headers()
    {
        var id = NewId();
        using var created = await node.PutAsync(id, _bytes);
        using var again = await node.PutAsync(id, _bytes);
        created.HasStatus(201);
        again.HasStatus(200);
        foreach (var answer in (HttpResponseMessage[])[created, again])
        {
            Assert.Equal("/chunk/" + id, answer.Header("Location"));
            Assert.Equal(Checksum.HexOf(_bytes), answer.Header("ETag"));
            Assert.Equal("5000", answer.Header("X-Chunk-Size"));
        }
    }

    [Fact]
    public async Task Other_content_under_a_known_id_changes_nothing()
    {
        var id = NewId();
        await node.PutAsync(id, _bytes);
        var other = LogHost.Bytes(6, 300);
        using var plain = await node.PutAsync(id, other);
        plain.HasStatus(200);
        Assert.Equal(Checksum.HexOf(_bytes), plain.Header("ETag"));
        using var empty = await node.PutAsync(id, []);
        empty.HasStatus(200);
        using var sure = await node.PutAsync(id, other, ("X-Chunk-Checksum", Checksum.HexOf(other)));
        sure.HasStatus(409);
        await sure.DetailAsync();
        Assert.Equal(_bytes, await node.Client.GetByteArrayAsync("/chunk/" + id));
    }

    [Theory]
    [InlineData("a.b")]
    [InlineData("a%20b")]
    [InlineData("a/b")]
    [InlineData("a%2Fb")]
    [InlineData("%C3%A4")]
    [InlineData("a%0A")]
    [InlineData("")]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345")]
    public async Task A_bad_id_is_400(string id)
    {
        using var answer = await node.PutAsync(id, _bytes);
        answer.HasStatus(400);
        Assert.Equal("Invalid chunk ID format", await answer.DetailAsync());
    }

    [Fact]
    public async Task The_longest_id_is_taken()
    {
        using var answer = await node.PutAsync(new string('x', 64), _bytes);
        answer.HasStatus(201);
    }

    [Fact]
    public async Task An_empty_chunk_is_400_and_so_is_one_of_unknown_length()
    {
        using var empty = await node.PutAsync(NewId(), []);
        empty.HasStatus(400);
        using HttpRequestMessage chunked = new(HttpMethod.Put, "/chunk/" + NewId()) { Content = new ByteArrayContent(_bytes), Headers = { TransferEncodingChunked = true } };
        using var unknown = await node.Client.SendAsync(chunked);
        unknown.HasStatus(400);
        await unknown.DetailAsync();
    }

    [Fact]
    public async Task The_limit_is_2_MiB_and_1_KiB_and_one_byte_more_is_413()
    {
        var most = LogHost.Bytes(7, ChunkLimits.MostBytes);
        var id = NewId();
        using var taken = await node.PutAsync(id, most);
        taken.HasStatus(201);
        Assert.Equal(most, await node.Client.GetByteArrayAsync("/chunk/" + id));
        using var refused = await node.PutAsync(NewId(), new byte[ChunkLimits.MostBytes + 1]);
        refused.HasStatus(413);
        await refused.DetailAsync();
    }

    [Theory]
    [InlineData("X-Chunk-Checksum")]
    [InlineData("X-Checksum")]
    public async Task A_checksum_is_compared_in_either_header_and_form(string header)
    {
        var hex = Checksum.HexOf(_bytes);
        foreach (var right in (string[])[hex, "sha256:" + hex.ToUpperInvariant()])
        {
            using var taken = await node.PutAsync(NewId(), _bytes, (header, right));
            taken.HasStatus(201);
        }

        foreach (var wrong in (string[])[Checksum.HexOf([]), "none", "sha256:"])
        {
            var id = NewId();
            using var refused = await node.PutAsync(id, _bytes, (header, wrong));
            refused.HasStatus(400);
            await refused.DetailAsync();
            using var absent = await node.SendAsync(HttpMethod.Head, "/chunk/" + id);
            absent.HasStatus(404);
        }
    }

    [Fact]
    public async Task A_body_that_breaks_off_stores_nothing()
    {
        var id = NewId();
        using (TcpClient raw = new())
        {
            await raw.ConnectAsync(node.Client.BaseAddress!.Host, node.Client.BaseAddress.Port);
            await raw.GetStream().WriteAsync(Encoding.ASCII.GetBytes($"PUT /chunk/{id} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this"));
        }

        using var absent = await node.SendAsync(HttpMethod.Head, "/chunk/" + id);
        absent.HasStatus(404);
        using var later = await node.PutAsync(id, _bytes);
        later.HasStatus(201);
    }

    [Fact]
    public async Task Deleting_is_204_then_404_and_the_id_is_free_again()
    {
        var id = NewId();
        await node.PutAsync(id, _bytes);
        using var deleted = await node.SendAsync(HttpMethod.Delete, "/chunk/" + id);
        deleted.HasStatus(204);
        foreach (var method in (HttpMethod[])[HttpMethod.Delete, HttpMethod.Get, HttpMethod.Head])
        {
            using var gone = await node.SendAsync(method, "/chunk/" + id);
            gone.HasStatus(404);
        }

        var other = LogHost.Bytes(9, 90);
        using var stored = await node.PutAsync(id, other);
        stored.HasStatus(201);
        Assert.Equal(other, await node.Client.GetByteArrayAsync("/chunk/" + id));
        using var bad = await node.SendAsync(HttpMethod.Delete, "/chunk/a.b");
        bad.HasStatus(404);
    }

    private static string NewId() => $"{Guid.NewGuid()}-chunk-000";
}
