using System.Net.Http.Json;
using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace EndToEnd.Tests;

/// <summary><c>kill -9</c> of Upload.Api right before and right after it has sent to a webhook.</summary>
public sealed class WebhookCrashes(Platform platform)
{
    private const int Videos = 5;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FaultPoint.WebhookBeforeSend)]
    [InlineData(FaultPoint.WebhookAfterSend)]
    public async Task Killed_while_it_sends_no_delivery_is_lost_and_a_second_one_has_the_first_one_s_id(FaultPoint point)
    {
        await using var receiver = await WebhookReceiver.StartAsync(Ct);
        using var account = platform.Client("gateway");
        using var registered = await account.PostAsJsonAsync("/api/v1/auth/register", new { email = $"{Guid.NewGuid():N}@example.com", password = "correct horse" }, Ct);
        account.DefaultRequestHeaders.Add("X-API-Key", (await registered.JsonAsync(Ct)).GetProperty("api_key").GetString());
        List<Guid> videos = [];
        for (var i = 0; i < Videos; i++)
        {
            using var uploaded = await account.PostAsync("/upload", Platform.Form(Library.Text), Ct);
            videos.Add(await Platform.VideoIdAsync(uploaded, Ct));
        }

        foreach (var video in videos)
        {
            Assert.Equal("FAILED", await platform.EndStateAsync(video, _within, Ct));
        }

        using var created = await account.PostAsJsonAsync("/api/v1/webhooks", new { url = receiver.Url(), events = new { video_deleted = true }, secret = "s" }, Ct);
        var webhook = (await created.JsonAsync(Ct)).GetProperty("id").GetGuid();

        // The deletions are this process's, so that no answer dies with the dispatcher.
        platform.Arm(point, "kill");
        foreach (var video in videos)
        {
            await platform.Store.Get<VideoStore>().DeleteAsync(video, Ct);
        }

        await platform.HitAsync(point, _within);
        await Poll.UntilAsync(
            () => platform.Store.ScalarAsync<long>("select count(*) from webhook_deliveries where webhook_id = $1 and state = 'delivered'", Ct, webhook), delivered => delivered == Videos, _within, "all delivered");

        var told = receiver.All.GroupBy(request => request.Id).ToList();
        Assert.Equal(videos.Order(), told.Select(group => JsonElement.Parse(group.First().Body).GetProperty("data").GetProperty("id").GetGuid()).Order());
        Assert.All(told, group => Assert.Single(group.Select(request => request.Text).Distinct()));
        Assert.True(point == FaultPoint.WebhookBeforeSend || receiver.All.Count > Videos, "The one that was killed after it had sent sent nothing.");

        // What was cut short is in the log as such.
        var attempts = await platform.Store.ScalarAsync<long>("select count(*) from webhook_attempts a join webhook_deliveries d on d.id = a.delivery_id where d.webhook_id = $1 and a.latency_ms is null", Ct, webhook);
        Assert.NotEqual(0, attempts);
        foreach (var replica in (string[])["upload-api-1", "upload-api-2"])
        {
            await platform.HealthyAsync(replica, Ct);
        }
    }
}
