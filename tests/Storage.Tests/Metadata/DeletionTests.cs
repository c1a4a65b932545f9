using Testing;
using Xunit;

namespace Storage.Tests.Metadata;

/// <summary>What is beyond seed 002 for the rest of the platform: deletions that it is to learn of, and videos that no list shows.</summary>
public sealed class DeletionTests(Servers servers)
{
    private const string Credential = "a node credential of tests";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deletion_is_told_until_it_is_taken_note_of_whatever_becomes_of_the_service()
    {
        string database, first, second;
        await using (var host = await MetadataHost.StartAsync(servers, Ct))
        {
            (database, first, second) = (host.Database, await host.CreateVideoAsync(), await host.CreateVideoAsync());
            Assert.Empty(await ToldAsync(host));
            Assert.Equal(204, (await host.SendAsync(HttpMethod.Delete, $"/video/{first}")).Status);
            Assert.Equal(200, (await host.SendAsync(HttpMethod.Patch, $"/video/{second}/status", new { status = "deleted" })).Status);
        }

        await using var restarted = await MetadataHost.StartAsync(database, Ct);
        Assert.Equal([first, second], await ToldAsync(restarted)); // the first deleted first
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(204, (await restarted.SendAsync(HttpMethod.Delete, $"/deletions/{first}")).Status);
            Assert.Equal([second], await ToldAsync(restarted));
        }

        var living = await restarted.CreateVideoAsync();
        Assert.Equal(204, (await restarted.SendAsync(HttpMethod.Delete, $"/deletions/{living}")).Status); // says nothing of one that is not deleted
        await restarted.SendAsync(HttpMethod.Delete, $"/video/{living}");
        Assert.Equal([second, living], await ToldAsync(restarted));
    }

    [Fact]
    public async Task Deletions_are_for_those_with_the_node_credential()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct, ("Metadata:NodeCredential", Credential));
        Assert.Equal(401, (await host.GetAsync("/deletions")).Status);
        Assert.Equal(401, (await host.SendAsync(HttpMethod.Delete, $"/deletions/{Guid.NewGuid()}")).Status);
        Assert.Equal(200, (await host.SendAsync(HttpMethod.Get, "/deletions", credential: Credential)).Status);
        Assert.Equal(204, (await host.SendAsync(HttpMethod.Delete, $"/deletions/{Guid.NewGuid()}", credential: Credential)).Status);
    }

    [Fact]
    public async Task An_edge_copy_is_in_no_list_and_has_a_manifest()
    {
        await using var host = await MetadataHost.StartAsync(servers, Ct);
        var shown = (await host.PostAsync("/video", new { title = "Shown", duration_sec = 1, kind = 7 }))["video_id"].GetString(); // other kinds mean nothing
        var copy = (await host.PostAsync("/video", new { title = "A copy", duration_sec = 1, kind = "edge" }))["video_id"].GetString();
        Assert.Equal(shown, Assert.Single((await host.GetAsync("/videos")).Body.EnumerateArray()).GetProperty("video_id").GetString());
        Assert.Equal(1, (await host.GetAsync("/stats"))["total_videos"].GetInt32());
        Assert.Equal("A copy", (await host.GetAsync($"/manifest/{copy}"))["title"].GetString());
        Assert.Equal(204, (await host.SendAsync(HttpMethod.Delete, $"/video/{copy}")).Status);
    }

    private static async Task<List<string?>> ToldAsync(MetadataHost host) => [.. (await host.GetAsync("/deletions"))["video_ids"].EnumerateArray().Select(id => id.GetString())];
}
