using System.Net;
using System.Text.Json;
using Lifecycle.Contracts;
using Testing;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Seed 000's <c>/health</c> and <c>/workers</c>.</summary>
public sealed class PoolRows(Platform platform)
{
    private static readonly TimeSpan _seenWithin = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_s_health_is_ok()
    {
        using var worker = platform.Client("processing-worker");
        using var answer = await worker.GetAsync("/health", Ct);
        Assert.Equal((HttpStatusCode.OK, "application/json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        Assert.Equal("""{"status":"ok"}""", await answer.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task The_platform_s_health_names_its_parts()
    {
        var body = await Poll.UntilAsync(() => JsonAsync(platform.Http, "/health"), body => body.GetProperty("services").GetArrayLength() > 0, _seenWithin, "the first look");
        Assert.Equal("ok", body.GetProperty("status").GetString());
        Assert.All(body.GetProperty("services").EnumerateArray(), service => Assert.Equal("ok", service.GetProperty("state").GetString()));
        Assert.Contains(body.GetProperty("services").EnumerateArray(), service => service.GetProperty("name").GetString() == "processing-worker");
    }

    [Fact]
    public async Task The_pool_is_the_same_from_every_worker_and_shows_who_is_busy()
    {
        var clip = await Library.ClipAsync(Ct);
        Assert.Equal(["IDLE", "IDLE"], (await WorkersAsync(workers => workers.All(worker => worker.Status == "IDLE"))).Select(worker => worker.Status));
        platform.Arm(FaultPoint.TaskPlan, "delay 15");
        var video = await platform.UploadAsync(clip, Ct);
        var busy = await WorkersAsync(workers => workers.Any(worker => worker.Status == "BUSY"));
        Assert.Equal(["worker-0", "worker-1"], busy.Select(worker => worker.Id));
        Assert.Equal(["BUSY", "IDLE"], busy.Select(worker => worker.Status).Order(StringComparer.Ordinal));
        Assert.Equal("READY", await platform.EndStateAsync(video, Library.EndsWithin, Ct));
    }

    /// <summary>A worker that hangs, and with it the requests that the gateway happens to send it: the other one tells.</summary>
    [Fact]
    public async Task A_worker_without_a_sign_of_life_is_OFFLINE_until_it_has_one()
    {
        await using (await HeldPool.HoldAsync(platform, "processing-worker-0"))
        {
            var seen = await WorkersAsync(workers => workers.Any(worker => worker.Status == "OFFLINE"));
            Assert.Single(seen, worker => worker.Status == "OFFLINE");
            Assert.Equal(2, seen.Count);
        }

        await WorkersAsync(workers => workers.Count == 2 && workers.All(worker => worker.Status != "OFFLINE"));
    }

    [Fact]
    public async Task Queued_counts_what_waits()
    {
        Guid video;
        await Pool.IdleAsync(platform, Ct);
        await using (await HeldPool.HoldAsync(platform, "processing-worker-0"))
        {
            platform.Arm(FaultPoint.TaskPlan, "delay 15"); // the other one
            video = await platform.UploadAsync(Library.Text, Ct);
            await platform.UploadAsync(Library.Text, Ct);
            await Poll.UntilAsync(() => QueuedAsync(), queued => queued > 0, _seenWithin, "tasks in the queue");
        }

        await platform.EndStateAsync(video, Library.EndsWithin, Ct);
        await Poll.UntilAsync(() => QueuedAsync(), queued => queued == 0, _seenWithin, "an empty queue");
    }

    /// <summary>-1 from the worker that is held.</summary>
    private async Task<long> QueuedAsync()
    {
        try
        {
            return (await JsonAsync(platform.Http, "/workers")).GetProperty("queued").GetInt64();
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return -1;
        }
    }

    private Task<List<(string Id, string Status)>> WorkersAsync(Func<List<(string Id, string Status)>, bool> accept) => Poll.UntilAsync<List<(string Id, string Status)>>(async () =>
    {
        try
        {
            var body = await JsonAsync(platform.Http, "/workers");
            Assert.Equal(["queued", "workers"], body.EnumerateObject().Select(property => property.Name));
            return [.. body.GetProperty("workers").EnumerateArray().Select(worker => (worker.GetProperty("id").GetString()!, worker.GetProperty("status").GetString()!))];
        }
        catch (Exception exception) when (exception is HttpRequestException or OperationCanceledException)
        {
            return []; // from the worker that hangs
        }
    }, workers => workers.Count > 0 && accept(workers), _seenWithin, "the pool");

    private static async Task<JsonElement> JsonAsync(HttpClient client, string path)
    {
        using var within = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        within.CancelAfter(TimeSpan.FromSeconds(3));
        using var body = JsonDocument.Parse(await client.GetStringAsync(path, within.Token));
        return body.RootElement.Clone();
    }
}
