using System.Text.Json;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>Servers that are away.</summary>
public sealed class Outages(LiveFixture live) : IClassFixture<LiveFixture>
{
    [Fact]
    public async Task Without_the_broker_the_workflow_goes_on_and_its_events_wait()
    {
        var ct = TestContext.Current.CancellationToken;
        var store = await live.Servers.CreateStoreAsync(ct);
        await using (store)
        {
            await store.WorkersAsync(slots: 2);
            await using var tap = await EventTap.OpenAsync(live.Servers.RabbitMQ);
            var id = Requests.NewId();
            await using (var alone = await LiveHost.StartAsync(store, ("ConnectionStrings:messaging", "amqp://guest:guest@127.0.0.1:1")))
            {
                Assert.Equal(202, (await alone.PostAsync(Requests.Stream(id))).Status);
                await store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
                await store.ConfirmAsync(id, "ready"); // by the encoder; no message comes
                await store.UntilAsync(id, "READY WorkflowSucceeded");
                Assert.Equal(2, (await store.OutboxAsync(id)).Count);
                Assert.Empty(tap.Of(id));
                Assert.Equal("degraded", StateOf((await alone.GetAsync("/health")).Json, "broker"));
            }

            await using var back = await LiveHost.StartAsync(store);
            Assert.Equal(["StreamProvisionRequested", "READY"], (await tap.HearsAsync(id, "StreamProvisionRequested", "READY")).Select(heard => heard.Name));
        }
    }

    [Fact]
    public async Task Health_tells_the_real_state_of_each_part()
    {
        var answer = await live.Host.GetAsync("/health");
        Assert.Equal((200, "application/json", "ok"), (answer.Status, answer.ContentType, answer.Json.GetProperty("status").GetString()));
        Assert.Equal(["postgres", "broker", "storage", "ingest", "workers"], answer.Json.GetProperty("services").EnumerateArray().Select(service => service.GetProperty("name").GetString()));
        Assert.All(answer.Json.GetProperty("services").EnumerateArray(), service => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", service.GetProperty("observedAt").GetString()));
        await Poll.UntilAsync(async () => StateOf((await live.Host.GetAsync("/health")).Json, "broker"), state => state == "ok", StreamRows.Within, "the broker to be ok");
        Assert.Equal(("ok", "ok", "ok"), (StateOf(answer.Json, "postgres"), StateOf(answer.Json, "storage"), StateOf(answer.Json, "workers")));

        // An ingest is there when something listens, and is not when nothing does.
        using System.Net.Sockets.TcpListener listener = new(System.Net.IPAddress.Loopback, 0);
        listener.Start();
        var port = ((System.Net.IPEndPoint)listener.LocalEndpoint).Port;
        await using var host = await LiveHost.StartAsync(live.Store, ("Streams:IngestUrl", $"rtmp://127.0.0.1:{port}/live"));
        Assert.Equal("ok", StateOf((await host.GetAsync("/health")).Json, "ingest"));
        listener.Stop();
        await Poll.UntilAsync(async () => StateOf((await host.GetAsync("/health")).Json, "ingest"), state => state == "down", StreamRows.Within, "the ingest to be down");
        Assert.Equal(200, (await host.GetAsync("/health")).Status); // streams are taken, and wait
    }

    [Fact]
    public async Task Without_a_database_requests_are_503_and_health_says_why()
    {
        var ct = TestContext.Current.CancellationToken;
        var store = await live.Servers.CreateStoreAsync(ct);
        await using (store)
        {
            await using var host = await LiveHost.StartAsync(store);
            var name = await store.ScalarAsync<string>("select current_database()::text", ct);
            await using var admin = Npgsql.NpgsqlDataSource.Create(live.Servers.Postgres);
            await using (var close = admin.CreateCommand($"alter database {name} allow_connections false"))
            {
                await close.ExecuteNonQueryAsync(ct);
            }

            await using (var end = admin.CreateCommand($"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"))
            {
                await end.ExecuteNonQueryAsync(ct);
            }

            var answer = await host.PostAsync(Requests.Stream(Requests.NewId()));
            Assert.Equal((503, "application/json", "5"), (answer.Status, answer.ContentType, answer.Headers.RetryAfter?.ToString()));
            Assert.Empty(answer.Issues);
            await Poll.UntilAsync(async () => (await host.GetAsync("/health")).ToString(), seen => seen.StartsWith("503 {\"status\":\"down\"", StringComparison.Ordinal), StreamRows.Within, "health to be 503");
        }
    }

    [Theory]
    [InlineData("Streams:IngestUrl", "127.0.0.1:1935")]
    [InlineData("Streams:IngestPullUrl", "http://ingest/live")]
    [InlineData("Streams:ConfirmationSeconds", "0")]
    [InlineData("Streams:LeadSeconds", "-1")]
    public async Task A_setting_that_does_not_hold_is_named_at_the_start(string name, string value)
    {
        var refused = await Assert.ThrowsAsync<Microsoft.Extensions.Options.OptionsValidationException>(() => LiveHost.StartAsync(live.Store, (name, value)));
        Assert.Contains(name["Streams:".Length..], refused.Message, StringComparison.Ordinal);
    }

    private static string StateOf(JsonElement health, string name) =>
        health.GetProperty("services").EnumerateArray().Single(service => service.GetProperty("name").GetString() == name).GetProperty("state").GetString()!;
}
