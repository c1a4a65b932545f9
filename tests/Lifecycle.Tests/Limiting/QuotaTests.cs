using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Lifecycle.Contracts.Messaging;
using Lifecycle.Store.Limiting;
using Lifecycle.Store.Videos;
using RabbitMQ.Client;
using Testing;
using Xunit;

namespace Lifecycle.Tests.Limiting;

/// <summary>Videos a day, counted from the rows.</summary>
public sealed class QuotaTests(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Of_200_parallel_uploads_over_two_replicas_a_quota_of_100_admits_exactly_100_and_tells_it_once()
    {
        (string, string)[] settings = [("Uploads:MaxConcurrent", "200"), ("quota:defaultDailyLimit", "100")];
        await using var one = await ApiHost.StartAsync(_store, settings);
        await using var two = await ApiHost.StartAsync(_store, settings);
        await using var events = await Events.ListenAsync(_store.Get<IConnectionFactory>());
        using Readings first = new(one), second = new(two);
        var (id, token) = await one.RegisterAsync(Ct);
        HttpClient[] clients = [one.Client(token), two.Client(token)];

        var answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(i => UploadAsync(clients[i % 2], "text, and no video")));
        Assert.Equal((100, 100), (answers.Count(answer => answer.StatusCode == HttpStatusCode.Created), answers.Count(answer => answer.StatusCode == HttpStatusCode.TooManyRequests)));
        foreach (var refused in answers.Where(answer => answer.StatusCode != HttpStatusCode.Created))
        {
            await refused.ProblemAsync(429, "quota-exceeded", Ct);
            Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromDays(1));
            Assert.Matches("At most 100 videos a day; the next day begins at [0-9-]+T00:00:00Z", (await refused.JsonAsync(Ct)).GetProperty("detail").GetString());
        }

        Assert.Equal((100, 100L), await UseAsync(clients[0]));
        Assert.Equal((100, 1), (Sum("videoplatform.quota.refused {video}"), Sum("videoplatform.quota.exceeded {account}")));
        Assert.Equal(100, await _store.ScalarAsync<long>("select count(*) from videos where owner_id = $1", Ct, id));

        var told = await Poll.UntilAsync(() => Task.FromResult(events.All.Where(message => message.RoutingKey == Topology.QuotaExceededRoutingKey).ToList()), found => found.Count > 0, TimeSpan.FromSeconds(30), "the event");
        await Poll.UntilAsync(() => _store.ScalarAsync<long>("select count(*) from outbox", Ct), rows => rows == 0, TimeSpan.FromSeconds(30), "an empty outbox");
        told = events.All.Where(message => message.RoutingKey == Topology.QuotaExceededRoutingKey).ToList();
        var body = Assert.Single(told).Body;
        Assert.Equal((QuotaExceeded.Type, $"{id}"), (body.GetProperty("type").GetString(), body.GetProperty("subject").GetString()));
        Assert.Equal((id, 100), (body.GetProperty("data").GetProperty("userId").GetGuid(), body.GetProperty("data").GetProperty("limit").GetInt32()));
        Assert.DoesNotContain(events.OfVideos, message => message.RoutingKey == Topology.QuotaExceededRoutingKey);
        Assert.NotEmpty(events.OfVideos);

        double Sum(string name) => first.All.GetValueOrDefault(name) + second.All.GetValueOrDefault(name);
    }

    [Fact]
    public async Task A_failed_upload_gives_its_place_back_and_a_deleted_video_does_not()
    {
        await using var host = await ApiHost.StartAsync(_store, ("quota:defaultDailyLimit", "1"));
        var (_, token) = await host.RegisterAsync(Ct);
        using var client = host.Client(token);
        using var empty = await UploadAsync(client, "");
        await empty.ProblemAsync(400, "empty-file", Ct);
        Assert.Equal((1, 0L), await UseAsync(client));

        using var first = await UploadAsync(client, "a", key: "k");
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        using var repeated = await UploadAsync(client, "a", key: "k");
        Assert.Equal(HttpStatusCode.Created, repeated.StatusCode); // the first one's answer: no second video
        var video = (await first.JsonAsync(Ct)).GetProperty("id").GetGuid();
        Assert.Equal(video, (await repeated.JsonAsync(Ct)).GetProperty("id").GetGuid());

        using var deleted = await client.DeleteAsync($"/api/v1/videos/{video}", Ct);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var second = await UploadAsync(client, "b", key: "k2");
        await second.ProblemAsync(429, "quota-exceeded", Ct);
        using var again = await UploadAsync(client, "b", key: "k2");
        await again.ProblemAsync(429, "quota-exceeded", Ct); // a refusal frees its key
        Assert.Equal((1, 1L), await UseAsync(client));
    }

    [Fact]
    public async Task The_old_route_counts_with_an_account_and_not_without()
    {
        await using var host = await ApiHost.StartAsync(_store, ("quota:defaultDailyLimit", "1"));
        var (_, token) = await host.RegisterAsync(Ct);
        using var client = host.Client(token);
        using var first = await UploadAsync(client, "a", "/upload", "file");
        Assert.Equal(HttpStatusCode.Created, first.StatusCode);
        using var second = await UploadAsync(client, "a", "/upload", "file");
        await second.ProblemAsync(429, "quota-exceeded", Ct);
        for (var i = 0; i < 3; i++)
        {
            using var open = await UploadAsync(host.Http, "a", "/upload", "file");
            Assert.Equal(HttpStatusCode.Created, open.StatusCode);
        }
    }

    [Fact]
    public async Task An_account_s_own_quota_goes_before_the_default_and_0_is_none()
    {
        await using var host = await ApiHost.StartAsync(_store, ("quota:defaultDailyLimit", "1"));
        var (id, token) = await host.RegisterAsync(Ct);
        using var client = host.Client(token);
        using var admin = host.Client((await host.AdminAsync(Ct)).Token);
        foreach (var (quota, shown, taken) in ((object?, int, int)[])[(2, 2, 2), (0, 0, 3), (null, 1, 0)])
        {
            using var change = await admin.PatchAsJsonAsync($"/api/v1/users/{id}", new { daily_quota = quota }, Ct);
            Assert.Equal(shown, (await change.JsonAsync(Ct)).GetProperty("quota").GetInt32());
            for (var i = 0; i < taken; i++)
            {
                using var answer = await UploadAsync(client, "a");
                Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            }

            if (quota is not 0)
            {
                using var refused = await UploadAsync(client, "a");
                await refused.ProblemAsync(429, "quota-exceeded", Ct);
            }
        }
    }

    [Fact]
    public async Task The_next_day_has_its_places_again_and_its_own_alert()
    {
        await using var host = await ApiHost.StartAsync(_store, ("quota:defaultDailyLimit", "1"));
        var (id, token) = await host.RegisterAsync(Ct);
        using var client = host.Client(token);
        for (var day = 0; day < 2; day++)
        {
            using var taken = await UploadAsync(client, "a");
            Assert.Equal(HttpStatusCode.Created, taken.StatusCode);
            foreach (var first in (bool[])[true, false])
            {
                var refusal = await Assert.ThrowsAsync<QuotaExceededException>(() => host.Get<UploadStore>().BeginAsync(Guid.CreateVersion7(), id, null, Ct));
                Assert.Equal(first, refusal.IsFirst);
            }

            // A day passes: what is there is a day older.
            await _store.QueryAsync("update videos set created_at = created_at - interval '24 hours' returning 1", _ => 0, Ct);
            await _store.QueryAsync("update users set quota_alerted_for = quota_alerted_for - interval '24 hours' returning 1", _ => 0, Ct);
            Assert.Equal((1, 0L), await UseAsync(client));
        }
    }

    [Fact]
    public async Task A_day_begins_at_the_configured_hour_UTC_whatever_the_server_s_time_zone()
    {
        var (id, _) = await AccountAsync();
        await _store.QueryAsync("select set_config('timezone', 'Asia/Kolkata', false)", _ => 0, Ct);
        for (var hour = 0; hour < 24; hour++)
        {
            Quotas quotas = new(_store.Database, new(5, hour));
            var before = await NowAsync();
            var resets = (await quotas.UseAsync(id, Ct))!.ResetsAt;
            var today = new DateTimeOffset(before.UtcDateTime.Date.AddHours(hour), TimeSpan.Zero);
            Assert.Contains(resets, (DateTimeOffset[])[today, today.AddDays(1)]);
            Assert.InRange(resets, before, before.AddHours(24).AddSeconds(1));

            // One that was made in the last moment of the day before does not count, one of its first does.
            await _store.QueryAsync("update videos set created_at = $1 returning 1", _ => 0, Ct, resets.AddDays(-1).AddMicroseconds(-1).UtcDateTime);
            Assert.Equal(0, (await quotas.UseAsync(id, Ct))!.Used);
            await _store.QueryAsync("update videos set created_at = $1 returning 1", _ => 0, Ct, resets.AddDays(-1).UtcDateTime);
            Assert.Equal(1, (await quotas.UseAsync(id, Ct))!.Used);
        }
    }

    private async Task<DateTimeOffset> NowAsync() => await _store.ScalarAsync<DateTimeOffset>("select now()", Ct);

    private async Task<(Guid Id, Guid Video)> AccountAsync()
    {
        var (id, video) = (Guid.CreateVersion7(), Guid.CreateVersion7());
        await _store.QueryAsync("insert into users (id, email, password_hash, role) values ($1, $2, '', 'user') returning 1", _ => 0, Ct, id, $"{id}@example.com");
        await _store.Get<UploadStore>().BeginAsync(video, id, null, Ct);
        return (id, video);
    }

    /// <summary>What login says and /auth/me says, which is the same.</summary>
    private static async Task<(int Quota, long Used)> UseAsync(HttpClient client)
    {
        using var answer = await client.GetAsync("/api/v1/auth/me", Ct);
        var me = await answer.JsonAsync(Ct);
        using var login = await client.PostAsJsonAsync("/api/v1/auth/login", new { email = me.GetProperty("email").GetString(), password = ApiHost.Password }, Ct);
        var body = await login.JsonAsync(Ct);
        Assert.Equal((me.GetProperty("quota").GetInt32(), me.GetProperty("used_quota").GetInt64()), (body.GetProperty("quota").GetInt32(), body.GetProperty("used_quota").GetInt64()));
        return (body.GetProperty("quota").GetInt32(), body.GetProperty("used_quota").GetInt64());
    }

    private static async Task<HttpResponseMessage> UploadAsync(HttpClient client, string content, string path = "/api/v1/videos/upload", string field = "video", string? key = null)
    {
        using MultipartFormDataContent form = new() { { new ByteArrayContent(Encoding.UTF8.GetBytes(content)), field, "a.mp4" } };
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = form };
        if (key is not null)
        {
            request.Headers.Add("Idempotency-Key", key);
        }

        return await client.SendAsync(request, Ct);
    }

    /// <summary>Everything on the exchange, and what those hear that listen to videos.</summary>
    private sealed class Events : IAsyncDisposable
    {
        private readonly System.Collections.Concurrent.ConcurrentQueue<(string RoutingKey, JsonElement Body)> _all = new();
        private readonly System.Collections.Concurrent.ConcurrentQueue<(string RoutingKey, JsonElement Body)> _videos = new();
        private IConnection _connection = null!;

        public IReadOnlyCollection<(string RoutingKey, JsonElement Body)> All => _all;

        public IReadOnlyCollection<(string RoutingKey, JsonElement Body)> OfVideos => _videos;

        public static async Task<Events> ListenAsync(IConnectionFactory factory)
        {
            Events events = new() { _connection = await factory.CreateConnectionAsync(Ct) };
            var channel = await events._connection.CreateChannelAsync(cancellationToken: Ct);
            foreach (var (pattern, heard) in new[] { ("#", events._all), (Topology.AllVideoEvents, events._videos) })
            {
                var queue = await channel.QueueDeclareAsync(cancellationToken: Ct);
                await channel.QueueBindAsync(queue.QueueName, Topology.VideoEvents, pattern, cancellationToken: Ct);
                RabbitMQ.Client.Events.AsyncEventingBasicConsumer consumer = new(channel);
                consumer.ReceivedAsync += (_, delivery) =>
                {
                    using var body = JsonDocument.Parse(delivery.Body);
                    heard.Enqueue((delivery.RoutingKey, body.RootElement.Clone()));
                    return Task.CompletedTask;
                };
                await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, Ct);
            }

            return events;
        }

        public async ValueTask DisposeAsync() => await _connection.DisposeAsync();
    }
}
