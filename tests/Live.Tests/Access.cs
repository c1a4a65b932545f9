using System.Text.Json;
using Lifecycle.Store.Accounts;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>Whose streams are whose, with accounts switched on and without.</summary>
public sealed class Access(LiveFixture live) : IClassFixture<LiveFixture>
{
    [Fact]
    public async Task Outside_of_Development_nobody_asks_changes_or_reads_without_a_credential()
    {
        await using var closed = await LiveHost.StartAsync(live.Store, ("environment", "Production"));
        var id = Requests.NewId();
        foreach (var answer in new[]
        {
            await closed.PostAsync(Requests.Stream(id)), await closed.PutAsync(Requests.Status(id, "READY")), await closed.GetAsync($"/streams/{id}"), await closed.GetAsync("/streams?limit=1"),
            await closed.PostAsync(Requests.Stream(id), "a.wrong.token"),
        })
        {
            Assert.Equal((401, "application/json"), (answer.Status, answer.ContentType));
            Assert.Equal("Bearer", answer.Headers.WwwAuthenticate.ToString());
        }

        Assert.Equal("none", await live.Store.SeenAsync(id));
        Assert.Equal(405, (await closed.GetAsync("/streams")).Status);
        Assert.Equal(200, (await closed.GetAsync("/openapi.json")).Status);
    }

    [Fact]
    public async Task A_wrong_credential_is_refused_where_none_is_needed() =>
        Assert.Equal(401, (await live.Host.PostAsync(Requests.Stream(Requests.NewId()), "a.wrong.token")).Status);

    [Theory]
    [InlineData("Production")]
    [InlineData("Development")]
    public async Task What_somebody_else_owns_does_not_exist(string environment)
    {
        await using var host = await LiveHost.StartAsync(live.Store, ("environment", environment));
        var (owner, other, admin) = (await host.AccountAsync(), await host.AccountAsync(), await host.AccountAsync(Role.Admin));
        var id = Requests.NewId();
        var accepted = await host.PostAsync(Requests.Stream(id), owner.Token);
        Assert.Equal(202, accepted.Status);
        foreach (var token in new[] { owner.Token, admin.Token })
        {
            var read = await host.GetAsync($"/streams/{id}", token);
            Assert.Equal(200, read.Status);
            Assert.Contains("?key=", read.Json.GetProperty("ingest").GetProperty("pushUrl").GetString(), StringComparison.Ordinal);
            Assert.Equal("no-store", read.Headers.CacheControl?.ToString());
        }

        string?[] strangers = environment == "Development" ? [other.Token, null] : [other.Token];
        foreach (var token in strangers)
        {
            Assert.Equal(404, (await host.GetAsync($"/streams/{id}", token)).Status);
            Assert.Equal(404, (await host.PutAsync(Requests.Status(id, "FAILED"), token)).Status);
            Assert.Equal(409, (await host.PostAsync(Requests.Stream(id), token)).Status);
            Assert.DoesNotContain(id, (await host.GetAsync("/streams?limit=100", token)).Text, StringComparison.Ordinal);
        }

        Assert.Equal(accepted.Text, (await host.PostAsync(Requests.Stream(id), owner.Token)).Text);
        Assert.Equal(200, (await host.PutAsync(Requests.Status(id, "READY"), owner.Token)).Status);
        Assert.Equal([id], await IdsAsync(host, "/streams?limit=100", owner.Token));
    }

    [Fact]
    public async Task A_stream_of_nobody_is_open_while_all_are_and_the_admin_s_afterwards()
    {
        var id = Requests.NewId();
        await live.Host.PostAsync(Requests.Stream(id));
        Assert.Contains("?key=", (await live.Host.GetAsync($"/streams/{id}")).Text, StringComparison.Ordinal);
        await using var closed = await LiveHost.StartAsync(live.Store, ("Access:OpenStreams", "false"));
        Assert.Equal(404, (await closed.GetAsync($"/streams/{id}", (await closed.AccountAsync()).Token)).Status);
        Assert.Equal(200, (await closed.GetAsync($"/streams/{id}", (await closed.AccountAsync(Role.Admin)).Token)).Status);
    }

    [Fact]
    public async Task A_key_is_the_same_at_every_replica_and_another_one_for_every_stream()
    {
        await using var second = await LiveHost.StartAsync(live.Store);
        var (one, other) = (Requests.NewId(), Requests.NewId());
        await live.Host.PostAsync(Requests.Stream(one));
        await live.Host.PostAsync(Requests.Stream(other));
        Assert.Equal(await KeyAsync(live.Host, one), await KeyAsync(second, one));
        Assert.NotEqual(await KeyAsync(live.Host, one), await KeyAsync(live.Host, other));

        static async Task<string> KeyAsync(LiveHost host, string id) => (await host.GetAsync($"/streams/{id}")).Json.GetProperty("ingest").GetProperty("pushUrl").GetString()!.Split("key=")[1];
    }

    [Fact]
    public async Task A_list_comes_in_pages_newest_first()
    {
        var (_, token) = await live.Host.AccountAsync();
        List<string> ids = [];
        for (var n = 0; n < 5; n++)
        {
            ids.Insert(0, Requests.NewId());
            await live.Host.PostAsync(Requests.Stream(ids[0]), token);
        }

        List<string> seen = [];
        var path = "/streams?limit=2";
        while (true)
        {
            var page = await live.Host.GetAsync(path, token);
            Assert.Equal((200, "application/json"), (page.Status, page.ContentType));
            seen.AddRange(page.Json.GetProperty("streams").EnumerateArray().Select(stream => stream.GetProperty("streamId").GetString()!));
            Assert.False(page.Json.GetProperty("streams")[0].GetProperty("workflow").TryGetProperty("steps", out _));
            if (!page.Json.TryGetProperty("next", out var next))
            {
                break;
            }

            path = $"/streams?limit=2&after={next.GetString()}";
        }

        Assert.Equal(ids, seen);
        foreach (var bad in (string[])["?limit=0", "?limit=101", "?limit=x", "?limit=-1", "?limit=%201", "?after=a", "?limit=1&limit=0"])
        {
            var answer = await live.Host.GetAsync($"/streams{bad}", token);
            Assert.Equal((400, "Validation failed."), (answer.Status, answer.Message));
        }
    }

    private static async Task<string[]> IdsAsync(LiveHost host, string path, string token) =>
        [.. (await host.GetAsync(path, token)).Json.GetProperty("streams").EnumerateArray().Select(stream => stream.GetProperty("streamId").GetString()!)];
}
