using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Store.Webhooks;
using Testing;
using Upload.Api.Webhooks;
using Xunit;

namespace Lifecycle.Tests.Webhooks;

/// <summary>What a receiver gets, and what becomes of deliveries that it does not take.</summary>
public sealed class WebhookDeliveryTests(Servers servers) : IAsyncLifetime
{
    private const string Path = "/api/v1/webhooks";

    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_receiver_that_fails_three_times_gets_the_same_bytes_under_the_same_id_after_growing_delays()
    {
        double[] delays = [0.5, 2, 4];
        await using var host = await WebhookHost.StartAsync(_store, Ct, [.. delays.Select((delay, i) => ($"webhooks:retryDelaysSeconds:{i}", delay.ToString(CultureInfo.InvariantCulture)))]);
        await using var receiver = await WebhookReceiver.StartAsync((context, count) => Task.FromResult(context.Response.StatusCode = count <= 3 ? 500 : 200), Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(receiver.Url(), Ct, "video_uploaded");
        await _store.UploadAsync(account.Id, Ct);

        var delivery = await account.EndedAsync(webhook, "delivered", Ct);
        var requests = receiver.All;
        Assert.Equal(4, requests.Count);
        Assert.Single(requests.Select(request => request.Id).Distinct());
        Assert.Single(requests.Select(request => request.Text).Distinct());
        Assert.Single(requests.Select(request => request.Headers["X-Webhook-Signature"]).Distinct());
        var gaps = requests.Zip(requests.Skip(1), (one, next) => Stopwatch.GetElapsedTime(one.At, next.At).TotalSeconds).ToList();
        Assert.All(gaps.Zip(delays), pair => Assert.InRange(pair.First, pair.Second * 0.9, (pair.Second * 1.1) + 1.5)); // jitter, and a poll
        Assert.Equal(gaps.Order(), gaps);

        Assert.Equal((delivery.GetProperty("id").GetGuid(), 4), (requests[0].Id, delivery.GetProperty("attempt_count").GetInt32()));
        Assert.Equal(requests[0].Text, delivery.GetProperty("payload").GetRawText());
        var attempts = delivery.GetProperty("attempts").EnumerateArray().ToList();
        Assert.Equal([500, 500, 500, 200], attempts.Select(attempt => attempt.GetProperty("response_status").GetInt32()));
        Assert.Equal([true, true, true, false], attempts.Select(attempt => attempt.TryGetProperty("error", out _)));
        Assert.All(attempts, attempt => Assert.InRange(attempt.GetProperty("latency_ms").GetInt32(), 0, 5000));
    }

    [Theory]
    [InlineData("the owner's own secret ä")]
    [InlineData(null)]
    public async Task The_signatures_hold_by_the_seed_s_Python_and_by_Standard_Webhooks(string? given)
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct);
        await using var receiver = await WebhookReceiver.StartAsync(Ct);
        var account = await host.RegisterAsync(Ct);
        var created = await account.SendAsync(HttpMethod.Post, Path, given is null
            ? new { url = receiver.Url(), events = new { video_uploaded = true } }
            : new { url = receiver.Url(), events = new { video_uploaded = true }, secret = given }, 201, Ct);
        var secret = given ?? created.GetProperty("secret").GetString()!;
        await _store.UploadAsync(account.Id, Ct);
        var request = (await receiver.WaitAsync(1))[0];

        Assert.Equal("True", await VerifyAsync(request.Body, request.Headers["X-Webhook-Signature"], secret));
        Assert.Equal("False", await VerifyAsync([.. request.Body, (byte)' '], request.Headers["X-Webhook-Signature"], secret));
        Assert.Equal("False", await VerifyAsync(request.Body, request.Headers["X-Webhook-Signature"], $"{secret}x"));

        // https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
        var key = given is null ? Convert.FromBase64String(secret["whsec_".Length..]) : Encoding.UTF8.GetBytes(secret);
        byte[] signed = [.. Encoding.ASCII.GetBytes($"{request.Headers["webhook-id"]}.{request.Headers["webhook-timestamp"]}."), .. request.Body];
        Assert.Equal($"v1,{Convert.ToBase64String(HMACSHA256.HashData(key, signed))}", request.Headers["webhook-signature"]);
        var sent = DateTimeOffset.FromUnixTimeSeconds(long.Parse(request.Headers["webhook-timestamp"], CultureInfo.InvariantCulture));
        Assert.InRange(TimeProvider.System.GetUtcNow() - sent, TimeSpan.Zero, TimeSpan.FromMinutes(1));

        Assert.Equal(("application/json", "video.uploaded"), (request.Headers["Content-Type"], request.Event));
        Assert.StartsWith("VideoPlatform", request.Headers["User-Agent"], StringComparison.Ordinal);
        Assert.False(request.Headers.ContainsKey("traceparent"));
    }

    /// <summary>The seed's example, verbatim.</summary>
    private static async Task<string> VerifyAsync(byte[] payload, string signature, string secret)
    {
        const string Snippet =
            """
            import hmac
            import hashlib

            def verify_webhook(payload, signature, secret):
                expected = 'sha256=' + hmac.new(
                    secret.encode(),
                    payload.encode(),
                    hashlib.sha256
                ).hexdigest()
                return hmac.compare_digest(expected, signature)
            """;
        const string Call = "\n\nimport sys\nsys.stdin.reconfigure(encoding='utf-8', newline='')\nprint(verify_webhook(sys.stdin.read(), sys.argv[1], sys.argv[2]))\n";
        using var python = Process.Start(new ProcessStartInfo("/usr/bin/python3", ["-X", "utf8", "-c", Snippet + Call, signature, secret]) { RedirectStandardInput = true, RedirectStandardOutput = true, UseShellExecute = false })!;
        await python.StandardInput.BaseStream.WriteAsync(payload, Ct);
        python.StandardInput.Close();
        var answer = await python.StandardOutput.ReadToEndAsync(Ct);
        await python.WaitForExitAsync(Ct);
        Assert.Equal(0, python.ExitCode);
        return answer.Trim();
    }

    [Fact]
    public async Task A_slow_receiver_is_a_timeout_and_is_tried_again()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct, ("webhooks:timeout", "0.5"));
        await using var receiver = await WebhookReceiver.StartAsync(
            (context, count) => count == 1 ? Task.Delay(TimeSpan.FromSeconds(20), TimeProvider.System, context.RequestAborted) : Task.CompletedTask, Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(receiver.Url(), Ct, "video_uploaded");
        await _store.UploadAsync(account.Id, Ct);
        var first = (await account.EndedAsync(webhook, "delivered", Ct)).GetProperty("attempts")[0];
        Assert.Equal("No answer within 0.5 s.", first.GetProperty("error").GetString());
        Assert.False(first.TryGetProperty("response_status", out _));
        Assert.InRange(first.GetProperty("latency_ms").GetInt32(), 450, 5000);
    }

    [Fact]
    public async Task A_slow_receiver_does_not_keep_the_others_waiting()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct, ("webhooks:maxConcurrent", "3"));
        TaskCompletionSource hold = new();
        await using var receiver = await WebhookReceiver.StartAsync((context, _) => context.Request.Path == "/slow" ? hold.Task.WaitAsync(context.RequestAborted) : Task.CompletedTask, Ct);
        var account = await host.RegisterAsync(Ct);
        await account.HookAsync(receiver.Url("/slow"), Ct, "video_uploaded");
        for (var i = 0; i < 20; i++)
        {
            await _store.UploadAsync(account.Id, Ct);
        }

        await receiver.WaitAsync("/slow", 2);
        await account.HookAsync(receiver.Url("/fast"), Ct, "video_uploaded");
        for (var i = 0; i < 20; i++)
        {
            await _store.UploadAsync(account.Id, Ct);
        }

        await receiver.WaitAsync("/fast", 20);
        Assert.Equal(2, receiver.All.Count(request => request.Path == "/slow")); // at most two at a time
        hold.SetResult();
        await receiver.WaitAsync("/slow", 40);
    }

    [Fact]
    public async Task A_redirect_is_a_failure_that_says_so_and_is_not_followed()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct, ("webhooks:maxRetries", "1"));
        await using var target = await WebhookReceiver.StartAsync(Ct);
        await using var receiver = await WebhookReceiver.StartAsync(
            (context, _) =>
            {
                context.Response.Redirect(target.Url(), permanent: false);
                context.Response.StatusCode = 307;
                return Task.CompletedTask;
            }, Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(receiver.Url(), Ct, "video_uploaded");
        await _store.UploadAsync(account.Id, Ct);
        var delivery = await account.EndedAsync(webhook, "failed", Ct);
        Assert.Equal([307, 307], delivery.GetProperty("attempts").EnumerateArray().Select(attempt => attempt.GetProperty("response_status").GetInt32()));
        Assert.Contains("redirects are not followed", delivery.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.Empty(target.All);
    }

    [Fact]
    public async Task A_receiver_that_is_gone_gets_nothing_more_and_its_owner_hears_of_it_elsewhere()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct);
        await using var receiver = await WebhookReceiver.StartAsync((context, _) => Task.FromResult(context.Response.StatusCode = context.Request.Path == "/gone" ? 410 : 204), Ct);
        var (account, stranger) = (await host.RegisterAsync(Ct), await host.RegisterAsync(Ct));
        var gone = await account.HookAsync(receiver.Url("/gone"), Ct, "video_uploaded", "webhook_disabled");
        await account.HookAsync(receiver.Url("/other"), Ct, "webhook_disabled");
        await stranger.HookAsync(receiver.Url("/stranger"), Ct, "webhook_disabled");
        await _store.UploadAsync(account.Id, Ct);

        var told = (await receiver.WaitAsync("/other", 1))[0];
        var data = JsonElement.Parse(told.Body).GetProperty("data");
        Assert.Equal(("webhook.disabled", gone), (told.Event, data.GetProperty("id").GetGuid()));
        Assert.Contains("410", data.GetProperty("reason").GetString(), StringComparison.Ordinal);
        var webhook = await account.GetAsync($"{Path}/{gone}", Ct);
        Assert.False(webhook.GetProperty("is_active").GetBoolean());
        Assert.Contains("410", webhook.GetProperty("disabled_reason").GetString(), StringComparison.Ordinal);
        var delivery = await account.EndedAsync(gone, "failed", Ct);
        Assert.Equal(1, delivery.GetProperty("attempt_count").GetInt32());

        await _store.UploadAsync(account.Id, Ct);
        Assert.Equal(["video.uploaded"], await _store.EventsAsync(gone, Ct));
        var refused = await account.SendAsync(HttpMethod.Post, $"{Path}/{gone}/deliveries/{delivery.GetProperty("id").GetGuid()}/replay", null, 409, Ct);
        Assert.Equal(Problems.StateConflict.Type, refused.GetProperty("type").GetString());
        await account.SendAsync(HttpMethod.Post, $"{Path}/{gone}/test", null, 202, Ct); // a ping goes out all the same
        await receiver.WaitAsync("/gone", 2);
        Assert.DoesNotContain(receiver.All, request => request.Path == "/stranger");
    }

    [Fact]
    public async Task Lasting_failure_switches_a_webhook_off_with_an_event_and_switching_on_forgets_it()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct, ("webhooks:maxRetries", "1"), ("webhooks:disableAfterFailures", "3"));
        var broken = true;
        await using var receiver = await WebhookReceiver.StartAsync((context, _) => Task.FromResult(context.Response.StatusCode = broken && context.Request.Path == "/broken" ? 503 : 204), Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(receiver.Url("/broken"), Ct, "video_uploaded");
        await account.HookAsync(receiver.Url("/other"), Ct, "webhook_disabled");
        for (var i = 0; i < 3; i++)
        {
            await _store.UploadAsync(account.Id, Ct);
        }

        var told = (await receiver.WaitAsync("/other", 1))[0];
        Assert.Equal(webhook, JsonElement.Parse(told.Body).GetProperty("data").GetProperty("id").GetGuid());
        Assert.Equal(6, receiver.All.Count(request => request.Path == "/broken"));
        Assert.False((await account.GetAsync($"{Path}/{webhook}", Ct)).GetProperty("is_active").GetBoolean());
        Assert.Contains(host.Logs, line => line.Contains($"{webhook} is switched off", StringComparison.Ordinal));

        broken = false;
        var on = await account.SendAsync(HttpMethod.Patch, $"{Path}/{webhook}", new { is_active = true }, 200, Ct);
        Assert.False(on.TryGetProperty("disabled_reason", out _));
        Assert.Equal(0, await _store.ScalarAsync<int>("select failures from webhooks where id = $1", Ct, webhook));
        await _store.UploadAsync(account.Id, Ct);
        await receiver.WaitAsync("/broken", 7);
    }

    [Fact]
    public async Task One_success_between_failures_keeps_a_webhook_on()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct, ("webhooks:maxRetries", "0"), ("webhooks:disableAfterFailures", "2"));
        await using var receiver = await WebhookReceiver.StartAsync((context, count) => Task.FromResult(context.Response.StatusCode = count % 2 == 1 ? 500 : 204), Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(receiver.Url(), Ct, "video_uploaded");
        for (var i = 1; i <= 6; i++)
        {
            await _store.UploadAsync(account.Id, Ct);
            await Poll.UntilAsync(() => _store.ScalarAsync<long>("select count(*) from webhook_deliveries where state <> 'pending'", Ct), ended => ended == i, TimeSpan.FromSeconds(20), "the end of the delivery");
        }

        Assert.True((await account.GetAsync($"{Path}/{webhook}", Ct)).GetProperty("is_active").GetBoolean());
    }

    [Fact]
    public async Task What_waits_for_a_webhook_that_is_switched_off_is_sent_when_it_is_switched_on()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Ct);
        await using var host = await WebhookHost.StartAsync(_store, Ct, ("webhooks:retryDelaysSeconds:0", "0.5"));
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync("http://127.0.0.1:1/", Ct, "video_uploaded"); // nobody listens there
        await _store.UploadAsync(account.Id, Ct);
        await account.DeliveryAsync(webhook, delivery => delivery.TryGetProperty("error", out var error) && error.GetString()!.Contains("ConnectionRefused", StringComparison.Ordinal), Ct);
        await account.SendAsync(HttpMethod.Patch, $"{Path}/{webhook}", new { is_active = false }, 200, Ct);
        var waiting = await account.DeliveryAsync(webhook, delivery => delivery.TryGetProperty("next_attempt_at", out var next) && next.GetDateTimeOffset() < TimeProvider.System.GetUtcNow(), Ct);
        await account.SendAsync(HttpMethod.Patch, $"{Path}/{webhook}", new { is_active = true, url = receiver.Url() }, 200, Ct);
        Assert.Equal(waiting.GetProperty("id").GetGuid(), (await receiver.WaitAsync(1))[0].Id);
    }

    [Fact]
    public async Task A_receiver_s_Retry_After_is_kept()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct);
        await using var receiver = await WebhookReceiver.StartAsync(
            (context, count) =>
            {
                context.Response.StatusCode = count == 1 ? 429 : 204;
                context.Response.Headers.RetryAfter = "3";
                return Task.CompletedTask;
            }, Ct);
        var account = await host.RegisterAsync(Ct);
        await account.HookAsync(receiver.Url(), Ct, "video_uploaded");
        await _store.UploadAsync(account.Id, Ct);
        var requests = await receiver.WaitAsync(2);
        Assert.InRange(Stopwatch.GetElapsedTime(requests[0].At, requests[1].At).TotalSeconds, 2.9, 10);
    }

    [Fact]
    public async Task A_replay_sends_the_same_bytes_under_the_same_id()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct, ("webhooks:maxRetries", "0"));
        await using var receiver = await WebhookReceiver.StartAsync((context, count) => Task.FromResult(context.Response.StatusCode = count == 1 ? 500 : 204), Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(receiver.Url(), Ct, "video_uploaded");
        await _store.UploadAsync(account.Id, Ct);
        foreach (var state in (string[])["failed", "delivered"])
        {
            var ended = await account.EndedAsync(webhook, state, Ct);
            var replayed = await account.SendAsync(HttpMethod.Post, $"{Path}/{webhook}/deliveries/{ended.GetProperty("id").GetGuid()}/replay", null, 202, Ct);
            Assert.Equal(ended.GetProperty("id").GetGuid(), replayed.GetProperty("id").GetGuid());
        }

        var requests = await receiver.WaitAsync(3);
        Assert.Single(requests.Select(request => (request.Id, request.Text)).Distinct());
        var delivery = await account.EndedAsync(webhook, "delivered", Ct);
        Assert.Equal([500, 204, 204], delivery.GetProperty("attempts").EnumerateArray().Select(attempt => attempt.GetProperty("response_status").GetInt32()));
    }

    [Fact]
    public async Task A_ping_is_sent_like_an_event()
    {
        await using var host = await WebhookHost.StartAsync(_store, Ct);
        await using var receiver = await WebhookReceiver.StartAsync(Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(receiver.Url(), Ct);
        var ping = await account.SendAsync(HttpMethod.Post, $"{Path}/{webhook}/test", null, 202, Ct);
        var request = (await receiver.WaitAsync(1))[0];
        Assert.Equal((ping.GetProperty("id").GetGuid(), "webhook.test"), (request.Id, request.Event));
        Assert.Equal(webhook, JsonElement.Parse(request.Body).GetProperty("data").GetProperty("webhook_id").GetGuid());
        Assert.Equal("True", await VerifyAsync(request.Body, request.Headers["X-Webhook-Signature"], "the secret"));
    }

    [Fact]
    public async Task Neither_the_secret_nor_the_url_s_query_stands_in_a_log_or_a_trace()
    {
        List<string> traced = [];
        using ActivityListener listener = new()
        {
            ShouldListenTo = _ => true,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (traced)
                {
                    traced.Add($"{activity.Source.Name} {activity.DisplayName} {string.Join(' ', activity.TagObjects.Select(tag => $"{tag.Key}={tag.Value}"))} {activity.StatusDescription}");
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        await using var host = await WebhookHost.StartAsync(_store, Ct, ("webhooks:maxRetries", "1"));
        await using var receiver = await WebhookReceiver.StartAsync((context, _) => Task.FromResult(context.Response.StatusCode = 500), Ct);
        var account = await host.RegisterAsync(Ct);
        var webhook = await account.HookAsync(receiver.Url("/hook?token=sesame"), Ct, "video_uploaded");
        await _store.UploadAsync(account.Id, Ct);
        await account.EndedAsync(webhook, "failed", Ct);
        lock (traced)
        {
            Assert.Contains(traced, line => line.StartsWith($"{WebhookMetrics.Name} deliver video.uploaded", StringComparison.Ordinal));
            Assert.DoesNotContain(traced, line => line.Contains("the secret", StringComparison.Ordinal) || (line.Contains("sesame", StringComparison.Ordinal) && !line.Contains("AspNetCore", StringComparison.Ordinal)));
        }

        Assert.Contains(host.Logs, line => line.Contains($"{webhook}", StringComparison.Ordinal));
        Assert.DoesNotContain(host.Logs, line => line.Contains("the secret", StringComparison.Ordinal) || line.Contains("sesame", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Two_replicas_send_two_hundred_deliveries_once_each()
    {
        TestAccount account;
        await using var receiver = await WebhookReceiver.StartAsync((_, _) => Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System), Ct);
        await using (var first = await WebhookHost.StartAsync(_store, Ct))
        {
            account = await first.RegisterAsync(Ct);
            for (var i = 0; i < 10; i++)
            {
                await account.HookAsync(receiver.Url($"/{i}"), Ct, "video_uploaded");
            }
        }

        for (var i = 0; i < 20; i++)
        {
            await _store.UploadAsync(account.Id, Ct);
        }

        await using var one = await WebhookHost.StartAsync(_store, Ct);
        await using var two = await WebhookHost.StartAsync(_store, Ct);
        await Poll.UntilAsync(() => _store.ScalarAsync<long>("select count(*) from webhook_deliveries where state = 'delivered'", Ct), delivered => delivered == 200, TimeSpan.FromSeconds(60), "200 delivered");
        Assert.Equal(200, receiver.All.Count);
        Assert.Equal(200, receiver.All.Select(request => request.Id).Distinct().Count());
        Assert.Equal(200, await _store.ScalarAsync<long>("select count(*) from webhook_attempts", Ct));
    }

    [Fact]
    public async Task A_lease_that_ran_out_is_another_s_and_what_the_first_one_writes_counts_for_nothing()
    {
        await using var receiver = await WebhookReceiver.StartAsync(Ct);
        TestAccount account;
        Guid webhook;
        await using (var host = await WebhookHost.StartAsync(_store, Ct))
        {
            account = await host.RegisterAsync(Ct);
            webhook = await account.HookAsync(receiver.Url(), Ct, "video_uploaded");
        }

        await _store.UploadAsync(account.Id, Ct);
        var queue = _store.Get<DeliveryQueue>();
        var dead = Assert.Single(await queue.ClaimAsync(new Dictionary<Guid, int>(), 2, 10, TimeSpan.FromMinutes(1), Ct));
        Assert.Empty(await queue.ClaimAsync(new Dictionary<Guid, int>(), 2, 10, TimeSpan.FromMinutes(1), Ct));
        await _store.QueryAsync("update webhook_deliveries set lease_until = now() - interval '1 second'", _ => 0, Ct);

        await using var other = await WebhookHost.StartAsync(_store, Ct);
        Assert.Equal(dead.Id, (await receiver.WaitAsync(1))[0].Id);
        await Poll.UntilAsync(() => _store.ScalarAsync<string>("select state from webhook_deliveries", Ct), state => state == "delivered", TimeSpan.FromSeconds(20), "the delivery's end");
        Assert.Empty(await queue.RecordAsync([new(dead, Contracts.Webhooks.DeliveryTrigger.ReceiverGone, TimeSpan.Zero, 410, 1, "gone")], new(5, TimeSpan.FromDays(3)), Ct));
        Assert.Equal("delivered", await _store.ScalarAsync<string>("select state from webhook_deliveries", Ct));
        Assert.True(await _store.ScalarAsync<bool>("select is_active from webhooks where id = $1", Ct, webhook));
        var attempts = await other.Get<DeliveryLog>().DetailsAsync(dead.Id, Ct);
        Assert.Equal(2, attempts!.Attempts.Count);
    }
}
