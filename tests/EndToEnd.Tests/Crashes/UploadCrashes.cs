using System.Net;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Lifecycle.Contracts;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Crashes;

/// <summary><c>kill -9</c> of Upload.Api exactly where it matters, and of whoever relays the outbox.</summary>
public sealed class UploadCrashes(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_mid_body_it_leaves_nothing_and_the_client_tries_again()
    {
        platform.Arm(FaultPoint.UploadMidBody, "kill");
        var before = await VideosAsync();
        using var broken = await TryAsync(await Clips.NoisyAsync(), Guid.NewGuid().ToString());
        await platform.HitAsync(FaultPoint.UploadMidBody, _within);
        Assert.NotEqual(HttpStatusCode.Created, broken?.StatusCode);
        await new Aftermath(platform).CheckNothingIsLeftAsync();
        Assert.Equal(before, await VideosAsync());
        await BackAsync();
    }

    /// <summary>All bytes are durable: recovery finishes what the process began, and the client's retry gets that very video.</summary>
    [Theory]
    [InlineData(FaultPoint.UploadBeforeCompleteObject)]
    [InlineData(FaultPoint.UploadAfterCompleteObject)]
    public async Task Killed_with_all_bytes_sent_the_upload_is_finished_forward(FaultPoint point)
    {
        platform.Arm(point, "kill");
        var source = await Clips.ShortAsync();
        var key = Guid.NewGuid().ToString();
        var before = await VideosAsync();
        using var broken = await TryAsync(source, key);
        await platform.HitAsync(point, _within);
        Assert.NotEqual(HttpStatusCode.Created, broken?.StatusCode);

        var retried = await Poll.UntilAsync(
            async () =>
            {
                using var answer = await TryAsync(source, key);
                return answer?.StatusCode == HttpStatusCode.Created ? await Platform.VideoIdAsync(answer, Ct) : Guid.Empty;
            }, video => video != Guid.Empty, _within, "the retry's 201");
        Assert.Equal([retried], (await VideosAsync()).Except(before)); // one video, whichever request made it
        await new Aftermath(platform).CheckAsync(source, retried);
        await BackAsync();
    }

    [Fact]
    public async Task A_relay_killed_between_publish_and_mark_publishes_again_and_nobody_sees_it_twice()
    {
        platform.Arm(FaultPoint.OutboxAfterPublish, "kill");
        var source = await Clips.ShortAsync();
        var key = Guid.NewGuid().ToString();
        using var first = await TryAsync(source, key);
        await platform.HitAsync(FaultPoint.OutboxAfterPublish, _within);

        // The relay of an Upload.Api took the client's answer with it, that of a worker did not: the retry finds the same video.
        var video = await Poll.UntilAsync(
            async () =>
            {
                using var answer = await TryAsync(source, key);
                return answer?.StatusCode == HttpStatusCode.Created ? await Platform.VideoIdAsync(answer, Ct) : Guid.Empty;
            }, id => id != Guid.Empty, _within, "a 201");
        var states = await StatesAsync(video);
        Assert.Equal(states.Distinct(), states);
        Assert.Equal("READY", states[^1]);
        await new Aftermath(platform).CheckAsync(source, video);
        await Poll.UntilAsync(() => platform.Store.ScalarAsync<long>("select count(*) from outbox", Ct), rows => rows == 0, _within, "an empty outbox");
        await BackAsync();
    }

    /// <summary>The states that a client sees, up to the close.</summary>
    private async Task<List<string>> StatesAsync(Guid video)
    {
        await using var client = await StatusClient.ConnectAsync(platform.Http.BaseAddress!, $"{video}", Ct);
        return [.. (await client.RestAsync()).Select(message => JsonElement.Parse(message).GetProperty("state").GetString()!)];
    }

    /// <summary>The answer, or null where the connection broke before one came.</summary>
    private async Task<HttpResponseMessage?> TryAsync(byte[] source, string key)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/upload") { Content = Platform.Form(source) };
        request.Headers.Add("Idempotency-Key", key);
        try
        {
            return await platform.Http.SendAsync(request, Ct);
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    private async Task BackAsync()
    {
        foreach (var resource in (string[])["upload-api-1", "upload-api-2", "processing-worker"])
        {
            await platform.HealthyAsync(resource, Ct);
        }
    }

    private Task<List<Guid>> VideosAsync() => platform.Store.QueryAsync("select id from videos order by id", row => row.GetGuid(0), Ct);
}
