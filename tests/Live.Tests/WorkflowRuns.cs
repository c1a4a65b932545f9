using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Live;
using Lifecycle.Store.Webhooks;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>The workflow from its request to its end, with an encoder that is played by the test.</summary>
public sealed class WorkflowRuns(LiveFixture live) : IClassFixture<LiveFixture>
{
    private const string WholeWay =
        "ValidateProvisionRequest:Success PersistProvisionRequest:Success EmitProvisionRequestedEvent:Success ProvisionEncoderInfrastructure:Success ConfigurePlaybackEndpoints:Success "
        + "AwaitLifecycleConfirmation:Ready PublishReadyNotification:Success RecordCompletion:Success WorkflowSucceeded";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private LiveHost Host => live.Host;

    private TestStore Store => live.Store;

    [Fact]
    public async Task A_stream_goes_the_whole_way_and_each_event_is_told_with_one_identity()
    {
        await using var tap = await EventTap.OpenAsync(live.Servers.RabbitMQ);
        var id = Requests.NewId();
        await Host.PostAsync(Requests.Stream(id, metadata: new Dictionary<string, string> { ["a"] = "b" }));
        await Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
        Assert.Equal(("reserved", 1), (await Store.QueryAsync("select state, slots from live_sessions where stream_id = $1", row => (row.GetString(0), row.GetInt32(1)), Ct, id)).Single());

        // The encoder, as a worker does it: confirmation and wake in one transaction, LIVE with a later commit, COMPLETE when the input stays away.
        await AsWorkerAsync(id, async (transaction, stream) =>
        {
            await StreamConfirmation.GiveAsync(transaction, stream, StreamConfirmation.Ready, null, Ct);
            await StreamMoves.WakeAsync(transaction, stream, Ct);
        });
        await Store.UntilAsync(id, "READY WorkflowSucceeded");
        await MoveAsync(id, StreamTrigger.WentLive);
        await MoveAsync(id, StreamTrigger.Completed);

        var heard = await tap.HearsAsync(id, "StreamProvisionRequested", "READY", "LIVE", "COMPLETE");
        Assert.Equal(["StreamProvisionRequested", "READY", "LIVE", "COMPLETE"], heard.Select(each => each.Name));
        Assert.All(heard, each => Assert.Equal("application/json", each.ContentType));
        Assert.Equal(["stream.StreamProvisionRequested", "stream.StreamLifecycleProgressed"], heard.Select(each => each.RoutingKey).Distinct(StringComparer.Ordinal));
        Assert.All(heard, each => Assert.Equal(["detail-type", "source", "detail"], each.Body.EnumerateObject().Select(member => member.Name)));
        Assert.All(heard, each => Assert.Equal("com.guidogerb.streams", each.Body.GetProperty("source").GetString()));
        Assert.Equal(["streamId", "ingestEndpoints", "title", "startTime", "metadata"], heard[0].Body.GetProperty("detail").EnumerateObject().Select(member => member.Name));
        Assert.Equal("2020-01-01T00:00:00+00:00", heard[0].Body.GetProperty("detail").GetProperty("startTime").GetString());
        Assert.All(heard.Skip(1), each => Assert.Equal(["streamId", "status", "occurredAt"], each.Body.GetProperty("detail").EnumerateObject().Select(member => member.Name)));
        Assert.Equal(WholeWay, await Store.StepsAsync(id));
    }

    [Fact]
    public async Task Its_owner_reads_status_workflow_and_addresses()
    {
        var id = Requests.NewId();
        await Host.PostAsync(Requests.Stream(id));
        await Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
        var waiting = (await Host.GetAsync($"/streams/{id}")).Json;
        Assert.Equal(("PROVISIONING", $"/stream/{id}/manifest"), (waiting.GetProperty("status").GetString(), waiting.GetProperty("playbackUrl").GetString()));
        Assert.StartsWith($"{LiveHost.Ingest}/{id}?key=", waiting.GetProperty("ingest").GetProperty("pushUrl").GetString(), StringComparison.Ordinal);
        Assert.Equal(("StreamLifecycleOrchestrator", "AwaitLifecycleConfirmation"), (waiting.GetProperty("workflow").GetProperty("name").GetString(), waiting.GetProperty("workflow").GetProperty("state").GetString()));
        var steps = waiting.GetProperty("workflow").GetProperty("steps").EnumerateArray().ToList();
        Assert.Equal(6, steps.Count);
        Assert.All(steps[..5], step => Assert.Equal(("Success", true), (step.GetProperty("outcome").GetString(), step.TryGetProperty("leftAt", out _))));
        Assert.All(steps, step => Assert.InRange(step.GetProperty("seconds").GetDouble(), 0, 60));
        Assert.False(steps[5].TryGetProperty("outcome", out _));

        await Host.PutAsync(Requests.Status(id, "READY"));
        await Store.UntilAsync(id, "READY WorkflowSucceeded");
        await Host.PutAsync(Requests.Status(id, "LIVE"));
        await Host.PutAsync(Requests.Status(id, "COMPLETE", "thanks for watching"));
        var over = (await Host.GetAsync($"/streams/{id}")).Json;
        Assert.Equal(("COMPLETE", "thanks for watching"), (over.GetProperty("status").GetString(), over.GetProperty("reason").GetString()));
        foreach (var time in (string[])["acceptedAt", "updatedAt", "readyAt", "liveAt", "endedAt", "startTime"])
        {
            Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$", over.GetProperty(time).GetString());
        }

        Assert.False(over.GetProperty("ingest").TryGetProperty("pushUrl", out _));
        Assert.Equal("closed", await Store.ScalarAsync<string>("select state from live_sessions where stream_id = $1", Ct, id));
    }

    [Fact]
    public async Task The_wait_for_a_confirmation_ends_by_the_database_s_clock_whatever_replicas_come_and_go()
    {
        var store = await live.Servers.CreateStoreAsync(Ct);
        await using (store)
        {
            await store.WorkersAsync(slots: 10);
            var id = Requests.NewId();
            await using (var first = await LiveHost.StartAsync(store))
            {
                await first.PostAsync(Requests.Stream(id));
                await store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
                await Poll.UntilAsync(
                    () => store.ScalarAsync<double>("select extract(epoch from workflow_due - workflow_entered_at)::float8 from streams where id = $1", Ct, id), due => Math.Abs(due - 900) < 0.001,
                    StreamRows.Within, "the wait's end");
            }

            await using var second = await LiveHost.StartAsync(store);
            await store.ExecuteAsync("update streams set workflow_entered_at = now() - interval '800 seconds', workflow_due = now() where id = $1 returning 1", id);
            await Poll.UntilAsync(() => store.ScalarAsync<bool>("select workflow_due > now() from streams where id = $1", Ct, id), StreamRows.Within, "the second replica to have looked, and to wait on");
            Assert.Equal("PROVISIONING AwaitLifecycleConfirmation", await store.SeenAsync(id));
            await store.ExecuteAsync("update streams set workflow_entered_at = now() - interval '901 seconds' where id = $1 returning 1", id);
            await store.UntilAsync(id, "FAILED WorkflowFailed");
            var stream = (await second.GetAsync($"/streams/{id}")).Json;
            Assert.Equal("No confirmation came within 900 s.", stream.GetProperty("reason").GetString());
            Assert.Equal("No confirmation came within 900 s.", stream.GetProperty("workflow").GetProperty("error").GetString());
            Assert.EndsWith("AwaitLifecycleConfirmation:Timeout HandleProvisionFailure:Success WorkflowFailed", await store.StepsAsync(id), StringComparison.Ordinal);
            Assert.Equal("closed", await store.ScalarAsync<string>("select state from live_sessions where stream_id = $1", Ct, id));
        }
    }

    [Fact]
    public async Task An_encoder_that_fails_fails_the_stream_with_its_reason()
    {
        await using var tap = await EventTap.OpenAsync(live.Servers.RabbitMQ);
        var id = Requests.NewId();
        await Host.PostAsync(Requests.Stream(id));
        await Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
        await Store.ConfirmAsync(id, "failed", "The input has no picture.");
        await Store.UntilAsync(id, "FAILED WorkflowFailed");
        var failed = (await tap.HearsAsync(id, "StreamProvisionRequested", "FAILED"))[^1];
        Assert.Equal("The input has no picture.", failed.Body.GetProperty("detail").GetProperty("reason").GetString());
    }

    [Fact]
    public async Task An_encoder_is_provisioned_shortly_before_the_start_and_not_earlier()
    {
        var id = Requests.NewId();
        var start = await Store.ScalarAsync<DateTime>("select now() + interval '1 hour'", Ct);
        await Host.PostAsync(Requests.Stream(id, start: $"{start:yyyy-MM-ddTHH:mm:ss}Z"));
        await Store.UntilAsync(id, "PROVISIONING ProvisionEncoderInfrastructure");
        var ahead = await Poll.UntilAsync(
            () => Store.ScalarAsync<double>("select extract(epoch from start_time - workflow_due)::float8 from streams where id = $1", Ct, id), seconds => seconds < 100, StreamRows.Within, "the time to be set");
        Assert.Equal(60, ahead, 0.001);
        Assert.Equal(0L, await Store.ScalarAsync<long>("select count(*) from live_sessions where stream_id = $1", Ct, id));

        await Store.ExecuteAsync("update streams set start_time = now() + interval '59 seconds', workflow_due = now() where id = $1 returning 1", id);
        await Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
    }

    [Fact]
    public async Task Who_gives_a_stream_up_before_its_start_frees_the_workflow_at_once()
    {
        await using var tap = await EventTap.OpenAsync(live.Servers.RabbitMQ);
        var id = Requests.NewId();
        await Host.PostAsync(Requests.Stream(id, start: "2099-01-01T00:00:00Z"));
        await Store.UntilAsync(id, "PROVISIONING ProvisionEncoderInfrastructure");
        Assert.Equal(200, (await Host.PutAsync(Requests.Status(id, "FAILED", "rained off"))).Status);
        await Store.UntilAsync(id, "FAILED WorkflowFailed");
        Assert.Equal("rained off", (await tap.HearsAsync(id, "StreamProvisionRequested", "FAILED"))[^1].Body.GetProperty("detail").GetProperty("reason").GetString());
        Assert.EndsWith("ProvisionEncoderInfrastructure:Failure HandleProvisionFailure:Success WorkflowFailed", await Store.StepsAsync(id), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Live_sessions_that_fill_the_pool_are_a_clear_reason_to_refuse()
    {
        var store = await live.Servers.CreateStoreAsync(Ct);
        await using (store)
        {
            await store.WorkersAsync(slots: 1, workers: 2);
            await using var host = await LiveHost.StartAsync(store);
            string[] ids = [Requests.NewId("first"), Requests.NewId("second"), Requests.NewId("third"), Requests.NewId("fourth")];
            foreach (var id in ids[..3])
            {
                await host.PostAsync(Requests.Stream(id));
            }

            await store.UntilAsync(ids[2], "FAILED WorkflowFailed");
            Assert.Equal("The pool is full: 2 live sessions hold 2 of 2 slots.", (await host.GetAsync($"/streams/{ids[2]}")).Json.GetProperty("workflow").GetProperty("error").GetString());
            Assert.Equal(["PROVISIONING AwaitLifecycleConfirmation", "PROVISIONING AwaitLifecycleConfirmation"], [await store.SeenAsync(ids[0]), await store.SeenAsync(ids[1])]);

            // A slot that is given back is another stream's.
            await host.PutAsync(Requests.Status(ids[0], "FAILED"));
            await host.PostAsync(Requests.Stream(ids[3]));
            await store.UntilAsync(ids[3], "PROVISIONING AwaitLifecycleConfirmation");

            // Of a pool without any worker it is not known what it carries: that is waited for.
            await store.ExecuteAsync("update workers set last_seen = now() - interval '7 seconds' returning 1");
            var waiting = Requests.NewId("waiting");
            await host.PostAsync(Requests.Stream(waiting));
            await Poll.UntilAsync(() => store.ScalarAsync<int>("select workflow_attempt from streams where id = $1", Ct, waiting), attempt => attempt >= 2, StreamRows.Within, "a second attempt");
            await store.ExecuteAsync("update workers set last_seen = now() + interval '1 day', slots = 4 returning 1");
            await store.UntilAsync(waiting, "PROVISIONING AwaitLifecycleConfirmation");
            Assert.True(await store.ScalarAsync<int>("select attempts from stream_steps where stream_id = $1 and state = 'ProvisionEncoderInfrastructure'", Ct, waiting) >= 2);
        }
    }

    [Fact]
    public async Task A_step_that_breaks_is_tried_five_times_and_then_fails()
    {
        var store = await live.Servers.CreateStoreAsync(Ct);
        await using (store)
        {
            await store.WorkersAsync(slots: 1);
            await store.ExecuteAsync("alter table streams add constraint broken check (playback_at is null)");
            await using var host = await LiveHost.StartAsync(store);
            var id = Requests.NewId();
            Assert.Equal(202, (await host.PostAsync(Requests.Stream(id))).Status);
            await store.UntilAsync(id, "FAILED WorkflowFailed");
            Assert.EndsWith("ConfigurePlaybackEndpoints:Failure HandleProvisionFailure:Success WorkflowFailed", await store.StepsAsync(id), StringComparison.Ordinal);
            Assert.Equal("ConfigurePlaybackEndpoints failed 5 times.", await store.ScalarAsync<string>("select workflow_error from streams where id = $1", Ct, id));
            var (attempts, seconds) = (await store.QueryAsync(
                "select attempts, extract(epoch from left_at - entered_at)::float8 from stream_steps where stream_id = $1 and state = 'ConfigurePlaybackEndpoints'",
                row => (row.GetInt32(0), row.GetDouble(1)), Ct, id)).Single();
            Assert.Equal(5, attempts);
            Assert.True(seconds >= 15, $"1, 2, 4 and 8 s of waiting took {seconds} s");
            Assert.Equal("closed", await store.ScalarAsync<string>("select state from live_sessions where stream_id = $1", Ct, id));
        }
    }

    [Fact]
    public async Task An_endpoint_that_is_allowed_no_more_fails_the_validation()
    {
        var store = await live.Servers.CreateStoreAsync(Ct);
        await using (store)
        {
            var id = Requests.NewId();
            await store.WorkersAsync(slots: 10);
            await store.ExecuteAsync(
                """
                with stream as (insert into streams (id, title, start_time, ingest_endpoints, request_sha256, status, workflow_state, workflow_due, video_id)
                    values ($1, 't', now(), '[{"protocol":"srt","url":"srt://gone.example.com:9000"}]', '', 'PROVISIONING', 'ValidateProvisionRequest', now(), gen_random_uuid()) returning id)
                insert into stream_steps (stream_id, sequence, state, entered_at) select id, 1, 'ValidateProvisionRequest', now() from stream returning 1
                """, id);
            await using var host = await LiveHost.StartAsync(store);
            await store.UntilAsync(id, "FAILED WorkflowFailed");
            Assert.Equal("An ingest endpoint names a host that is not allowed.", await store.ScalarAsync<string>("select status_reason from streams where id = $1", Ct, id));
        }
    }

    [Fact]
    public async Task The_owner_s_webhooks_are_told_of_READY_of_COMPLETE_and_of_FAILED_once_each()
    {
        var (owner, token) = await Host.AccountAsync();
        var hook = (await Store.Get<WebhookStore>().CreateAsync(
            Guid.CreateVersion7(), owner, "https://a.example", ((string[])["stream_ready", "stream_completed", "stream_failed"]).ToDictionary(key => key, _ => true), [], Ct))!.Id;
        var (good, bad, late) = (Requests.NewId("good"), Requests.NewId("bad"), Requests.NewId("late"));
        foreach (var id in new[] { good, bad, late })
        {
            Assert.Equal(202, (await Host.PostAsync(Requests.Stream(id, title: "A \"show\""), token)).Status);
            await Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
        }

        foreach (var status in (string[])["READY", "READY", "LIVE", "COMPLETE", "COMPLETE"])
        {
            Assert.Equal(200, (await Host.PutAsync(Requests.Status(good, status), token)).Status);
        }

        await Host.PutAsync(Requests.Status(bad, "FAILED", "no signal"), token);
        await Store.ConfirmAsync(late, "ready");
        await Store.UntilAsync(late, "READY WorkflowSucceeded");
        await Host.PutAsync(Requests.Status(late, "FAILED", "gone"), token);
        await Store.UntilAsync(bad, "FAILED WorkflowFailed");

        var told = await Store.QueryAsync("select payload from webhook_deliveries where webhook_id = $1 order by id", row => JsonElement.Parse(row.GetFieldValue<byte[]>(0)), Ct, hook);
        Assert.Equal(
            [$"{WebhookEvents.StreamReady} {good}", $"{WebhookEvents.StreamCompleted} {good}"],
            told.Where(each => IdOf(each) == good).Select(each => $"{each.GetProperty("event").GetString()} {IdOf(each)}"));
        Assert.Equal([WebhookEvents.StreamFailed], told.Where(each => IdOf(each) == bad).Select(each => each.GetProperty("event").GetString()));
        Assert.Equal([WebhookEvents.StreamReady, WebhookEvents.StreamFailed], told.Where(each => IdOf(each) == late).Select(each => each.GetProperty("event").GetString()));
        var failed = told.Single(each => IdOf(each) == bad).GetProperty("data");
        Assert.Equal(("FAILED", "no signal", "A \"show\""), (failed.GetProperty("status").GetString(), failed.GetProperty("reason").GetString(), failed.GetProperty("title").GetString()));

        static string IdOf(JsonElement payload) => payload.GetProperty("data").GetProperty("id").GetString()!;
    }

    [Fact]
    public async Task The_operator_s_figures_count_what_succeeded_and_what_failed()
    {
        using Readings readings = new(Host);
        var (good, bad) = (Requests.NewId("good"), Requests.NewId("bad"));
        await Host.PostAsync(Requests.Stream(good));
        await Host.PostAsync(Requests.Stream(bad));
        await Host.PutAsync(Requests.Status(good, "READY"));
        await Host.PutAsync(Requests.Status(bad, "FAILED"));
        await Store.UntilAsync(good, "READY WorkflowSucceeded");
        await Store.UntilAsync(bad, "FAILED WorkflowFailed");
        await Poll.UntilAsync(
            () => Task.FromResult((readings.Of("videoplatform.stream.workflows succeeded"), readings.Of("videoplatform.stream.workflows failed"), readings.Of("videoplatform.stream.provision.duration "))),
            seen => seen is ( >= 1, >= 1, > 0), StreamRows.Within, "the figures");
    }

    private async Task AsWorkerAsync(string id, Func<Lifecycle.Store.Database.LifecycleTransaction, LockedStream, Task> work)
    {
        // Over the host's own store: its relay is woken by it.
        await using var transaction = await Host.Get<Lifecycle.Store.Database.LifecycleDatabase>().BeginAsync(Ct);
        await work(transaction, (await StreamMoves.LockAsync(transaction, id, Ct))!);
        await transaction.CommitAsync(Ct);
    }

    private Task MoveAsync(string id, StreamTrigger trigger) => AsWorkerAsync(
        id, async (transaction, stream) => Assert.Equal(MoveOutcome.Moved, await Host.Get<StreamMoves>().MoveAsync(transaction, stream, trigger, null, tells: true, Ct)));
}
