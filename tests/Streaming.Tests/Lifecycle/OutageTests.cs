using System.Net;
using Streaming.Tests.Platform;
using Testing;

namespace Streaming.Tests.Lifecycle;

/// <summary>Stores that are away. Each test cuts the class's own cables, and mends them.</summary>
public sealed class OutageTests(Stack stack) : IClassFixture<Stack>
{
    [Fact]
    public async Task With_all_stores_away_cached_videos_play_on_and_others_answer_503()
    {
        var cached = await stack.Library.ReadyAsync();
        var partly = await stack.Library.ReadyAsync();
        var uncached = await stack.Library.ReadyAsync();
        await ReadAllAsync(cached);
        await CacheAsync(partly);
        stack.Database.Cut();
        stack.Broker.Cut();
        stack.Store.IsDown = true;
        try
        {
            await ReadAllAsync(cached);
            Assert.Equal(HttpStatusCode.OK, await StatusAsync($"/stream/{cached.Id}/manifest/audio"));
            foreach (var path in (string[])[$"/stream/{uncached.Id}/manifest", $"/stream/{partly.Id}/segment/v1-720p-00000.m4s"])
            {
                using var away = await stack.Replica.GetAsync(path);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, away.StatusCode);
                Assert.NotNull(away.Headers.RetryAfter);
                Assert.Equal("*", away.Headers.GetValues("Access-Control-Allow-Origin").Single());
            }

            Assert.Equal(HttpStatusCode.OK, await StatusAsync("/health"));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/ready"));
        }
        finally
        {
            stack.Database.Mend();
            stack.Broker.Mend();
            stack.Store.IsDown = false;
        }

        await Poll.UntilAsync(() => StatusAsync($"/stream/{uncached.Id}/manifest"), status => status == HttpStatusCode.OK, TimeSpan.FromSeconds(10), "The uncached video plays again");
        await ReadAllAsync(partly);
    }

    [Fact]
    public async Task Without_the_broker_a_deletion_is_found_by_comparing()
    {
        var replica = await stack.StartReplicaAsync("Streaming:RecheckSeconds=1");
        var video = await stack.Library.ReadyAsync();
        using (var first = await replica.GetAsync($"/stream/{video.Id}/manifest"))
        {
            Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        }

        stack.Broker.Cut();
        try
        {
            await stack.Library.DeleteAsync(video.Id);
            await Poll.UntilAsync(async () =>
            {
                using var answer = await replica.GetAsync($"/stream/{video.Id}/manifest");
                return answer.StatusCode;
            }, status => status == HttpStatusCode.NotFound, TimeSpan.FromSeconds(10), "The deletion is found");
        }
        finally
        {
            stack.Broker.Mend();
        }
    }

    [Fact]
    public async Task A_deletion_missed_while_the_broker_was_away_is_found_on_its_return()
    {
        var video = await stack.Library.ReadyAsync();
        await CacheAsync(video);
        stack.Database.Cut();
        stack.Broker.Cut();
        try
        {
            await stack.Library.DeleteAsync(video.Id);
            Assert.Equal(HttpStatusCode.OK, await StatusAsync($"/stream/{video.Id}/manifest")); // nobody can know yet
        }
        finally
        {
            stack.Database.Mend();
            stack.Broker.Mend();
        }

        await Poll.UntilAsync(() => StatusAsync($"/stream/{video.Id}/manifest"), status => status == HttpStatusCode.NotFound, TimeSpan.FromSeconds(15), "The deletion is found");
    }

    [Fact]
    public async Task A_shutdown_lets_requests_in_flight_finish()
    {
        var replica = await stack.StartReplicaAsync();
        var video = await stack.Library.ReadyAsync(400_000);
        var key = video.ObjectOf("v1-720p-00000.m4s").Key;
        TaskCompletionSource go = new();
        stack.Store.OnGet = (seen, _) => seen == key ? new(PauseAt: 100_000, Until: go.Task) : null;
        using var answer = await replica.Client.GetAsync($"/stream/{video.Id}/segment/v1-720p-00000.m4s", HttpCompletionOption.ResponseHeadersRead);
        var stopping = replica.StopAsync();
        go.SetResult();
        Assert.Equal(video.Segments["v1-720p-00000.m4s"], await answer.Content.ReadAsByteArrayAsync());
        await stopping;
    }

    /// <summary>Asks once more than there are events on the way to READY: one that arrives in the middle of a load keeps its result out of the cache.</summary>
    private async Task CacheAsync(SeededVideo video)
    {
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(HttpStatusCode.OK, await StatusAsync($"/stream/{video.Id}/manifest"));
        }
    }

    private async Task ReadAllAsync(SeededVideo video)
    {
        foreach (var (id, bytes) in video.Segments)
        {
            Assert.Equal(bytes, await stack.Replica.Client.GetByteArrayAsync($"/stream/{video.Id}/segment/{id}"));
        }
    }

    private async Task<HttpStatusCode> StatusAsync(string path)
    {
        using var answer = await stack.Replica.GetAsync(path);
        return answer.StatusCode;
    }
}
