using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Storage.Node;
using Storage.Node.Chunks;
using Storage.Tests.Nodes.Logs;
using Xunit;

namespace Storage.Tests.Nodes.Http;

public sealed class SettingsTests
{
    private const string Credential = "node-credential-of-this-test";

    [Theory]
    [InlineData("NODE_ID=a b", "NODE_ID consists of")]
    [InlineData("NODE_URL=localhost", "NODE_URL is where")]
    [InlineData("METADATA_SERVICE_URL=ftp://x", "METADATA_SERVICE_URL begins with")]
    [InlineData("DATA_DIR=", "DATA_DIR is not set")]
    [InlineData("Node:SuperblockBytes=1", "NodeOptions.SuperblockBytes must be between 65536 and")]
    [InlineData("Node:HeartbeatSeconds=60", "NodeOptions.HeartbeatSeconds must be between 0.05 and 10")]
    public async Task A_wrong_setting_stops_the_start_and_says_what_to_do(string setting, string message)
    {
        await using NodeHost node = new();
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => node.StartAsync(setting).AsTask());
        Assert.Contains(message, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_that_is_none_is_named() =>
        Assert.Contains("PORT is 'http'", Assert.Throws<InvalidOperationException>(() => StorageNode.Build(["--PORT=http"])).Message, StringComparison.Ordinal);

    [Fact]
    public async Task Outside_development_a_node_without_a_credential_is_refused_unless_it_is_open()
    {
        await using NodeHost node = new();
        var refused = await Assert.ThrowsAsync<OptionsValidationException>(() => node.StartAsync("environment=Production").AsTask());
        Assert.Contains("Node:Credential is not set", refused.Message, StringComparison.Ordinal);
        await using NodeHost open = new();
        await open.StartAsync("environment=Production", "Node:Open=true");
        using var stored = await open.PutAsync("a", [1]);
        stored.HasStatus(201);
    }

    [Fact]
    public async Task With_a_credential_strangers_read_and_do_not_write()
    {
        await using NodeHost node = new();
        await node.StartAsync("environment=Production", "Node:Credential=" + Credential);
        (string, string)[] known = [("Authorization", "Bearer " + Credential)];
        using var stored = await node.PutAsync("a", LogHost.Bytes(1, 10), known);
        stored.HasStatus(201);
        foreach (var headers in ((string, string)[][])[[], [("Authorization", "Bearer wrong")], [("Authorization", Credential)], [("Authorization", "Bearer ")]])
        {
            using var put = await node.PutAsync("b", LogHost.Bytes(1, 10), headers);
            using var delete = await node.SendAsync(HttpMethod.Delete, "/chunk/a", headers);
            using var consensus = await node.SendAsync(HttpMethod.Post, "/consensus", headers);
            foreach (var answer in (HttpResponseMessage[])[put, delete, consensus])
            {
                answer.HasStatus(401);
                Assert.Equal("Bearer", answer.Header("WWW-Authenticate"));
                await answer.DetailAsync();
            }
        }

        using var read = await node.SendAsync(HttpMethod.Get, "/chunk/a");
        read.HasStatus(200);
        using var deleted = await node.SendAsync(HttpMethod.Delete, "/chunk/a", known);
        deleted.HasStatus(204);
    }

    [Fact]
    public async Task A_folder_belongs_to_one_node_id_and_to_one_process_at_a_time()
    {
        await using NodeHost node = new();
        await node.StartAsync();
        await using NodeHost second = new();
        var locked = await Assert.ThrowsAsync<InvalidOperationException>(() => second.StartAsync("DATA_DIR=" + node.Folder).AsTask());
        Assert.Contains("is in use by another process", locked.Message, StringComparison.Ordinal);
        await node.StopAsync();
        var other = await Assert.ThrowsAsync<InvalidOperationException>(() => node.StartAsync("NODE_ID=node-2").AsTask());
        Assert.Contains("is node node-1's, NODE_ID is node-2", other.Message, StringComparison.Ordinal);
        await node.StopAsync();
        await node.StartAsync("NODE_ID=");
        using var ping = await node.SendAsync(HttpMethod.Head, "/ping");
        Assert.Equal("node-1", ping.Header("X-Node-ID"));
    }

    [Fact]
    public async Task Chunks_survive_a_restart_with_small_superblocks()
    {
        await using NodeHost node = new();
        await node.StartAsync("Node:SuperblockBytes=65536");
        for (var number = 0; number < 20; number++)
        {
            using var stored = await node.PutAsync($"c{number}", LogHost.Bytes(number, 20_000));
            stored.HasStatus(201);
        }

        await node.StopAsync();
        await node.StartAsync("Node:SuperblockBytes=65536");
        for (var number = 0; number < 20; number++)
        {
            Assert.Equal(LogHost.Bytes(number, 20_000), await node.Client.GetByteArrayAsync($"/chunk/c{number}"));
        }

        Assert.True(Directory.GetFiles(node.Folder, "*.superblock").Length > 1);
    }

    [Fact]
    public async Task When_all_buffers_are_in_use_it_says_when_to_come_again()
    {
        await using NodeHost node = new();
        await node.StartAsync("Node:ConcurrentWrites=1", "Node:ConcurrentReads=1");
        using var stored = await node.PutAsync("a", [1]);
        Assert.True(node.Services.GetRequiredService<WriteBuffers>().Pool.TryRent(out var write));
        Assert.True(node.Services.GetRequiredService<ReadBuffers>().Pool.TryRent(out var read));
        using (write)
        using (read)
        {
            using var put = await node.PutAsync("b", [1]);
            using var get = await node.SendAsync(HttpMethod.Get, "/chunk/a");
            foreach (var busy in (HttpResponseMessage[])[put, get])
            {
                busy.HasStatus(503);
                Assert.Equal("1", busy.Header("Retry-After"));
                await busy.DetailAsync();
            }
        }

        // Every way out of a request gives its buffer back.
        for (var round = 0; round < 3; round++)
        {
            using var wrong = await node.PutAsync("b", [1], ("X-Checksum", "wrong"));
            wrong.HasStatus(400);
            using var outside = await node.SendAsync(HttpMethod.Get, "/chunk/a", ("Range", "bytes=9-"));
            outside.HasStatus(416);
        }

        using var put2 = await node.PutAsync("b", [1]);
        put2.HasStatus(201);
    }
}
