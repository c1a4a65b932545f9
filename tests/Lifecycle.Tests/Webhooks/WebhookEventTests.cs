using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Videos;
using Lifecycle.Store.Webhooks;
using Testing;
using Xunit;

namespace Lifecycle.Tests.Webhooks;

/// <summary>Which deliveries the transitions write, for whom, and what they say; nobody sends them here.</summary>
public sealed class WebhookEventTests(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;
    private Guid _owner;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private TaskQueue Queue => _store.Get<TaskQueue>();

    private TaskOutcomes Outcomes => _store.Get<TaskOutcomes>();

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _owner = await UserAsync();
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_video_s_way_to_READY_and_its_deletion_tell_each_step_once()
    {
        var webhook = await HookAsync(_owner, [.. WebhookEvents.Keys]);
        var video = await _store.UploadAsync(_owner, Ct);
        await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(1, false), Ct);
        await Outcomes.CompletePartAsync(await ClaimAsync(), "{}", Ct);
        await Outcomes.CompleteFinalAsync(await ClaimAsync(), new("{}", "{}", "{}"), Ct);
        await _store.Get<VideoStore>().DeleteAsync(video, Ct);
        Assert.Equal(["video.uploaded", "job.started", "job.completed", "video.ready", "video.deleted"], await _store.EventsAsync(webhook, Ct));

        var payloads = (await PayloadsAsync(webhook)).ToDictionary(payload => payload.GetProperty("event").GetString()!);
        Assert.All(payloads.Values, payload => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$", payload.GetProperty("timestamp").GetString()));
        Assert.All(payloads.Values, payload => Assert.Equal(["event", "timestamp", "data"], payload.EnumerateObject().Select(property => property.Name)));

        var uploaded = payloads["video.uploaded"].GetProperty("data");
        Assert.Equal((video, "a \"film\" ä.mp4", 10, "pending"), (uploaded.GetProperty("id").GetGuid(), uploaded.GetProperty("filename").GetString(), uploaded.GetProperty("size").GetInt64(), uploaded.GetProperty("status").GetString()));
        Assert.Equal(["ready", "deleted"], ((string[])["video.ready", "video.deleted"]).Select(name => payloads[name].GetProperty("data").GetProperty("status").GetString()));

        var (started, completed) = (payloads["job.started"].GetProperty("data"), payloads["job.completed"].GetProperty("data"));
        Assert.Equal((video, "processing", 5, 0.0), (started.GetProperty("video_id").GetGuid(), started.GetProperty("status").GetString(), started.GetProperty("priority").GetInt32(), started.GetProperty("progress").GetDouble()));
        Assert.Equal((started.GetProperty("id").GetGuid(), "completed", 100.0), (completed.GetProperty("id").GetGuid(), completed.GetProperty("status").GetString(), completed.GetProperty("progress").GetDouble()));
        Assert.True(completed.GetProperty("finished_at").GetDateTimeOffset() >= completed.GetProperty("started_at").GetDateTimeOffset());
        Assert.True(started.GetProperty("started_at").GetDateTimeOffset() >= started.GetProperty("created_at").GetDateTimeOffset());
        Assert.False(completed.TryGetProperty("error", out _));
    }

    [Fact]
    public async Task A_failure_says_why_and_a_replay_starts_again()
    {
        var webhook = await HookAsync(_owner, "job_started", "job_failed", "video_failed", "video_uploaded");
        var video = await _store.UploadAsync(_owner, Ct);
        await Outcomes.FailAsync(await ClaimAsync(), new(FailureCategory.Media, "no good", "stderr", IsPermanent: true), Ct);
        var letter = Assert.Single(await _store.Get<DeadLetters>().ListAsync(null, null, 10, Ct), letter => letter.VideoId == video);
        await _store.Get<DeadLetters>().ReplayAsync(letter.Id, Ct);
        await ClaimAsync();
        Assert.Equal(["video.uploaded", "job.started", "job.failed", "video.failed", "job.started"], await _store.EventsAsync(webhook, Ct));

        var payloads = await PayloadsAsync(webhook);
        var error = payloads[2].GetProperty("data").GetProperty("error");
        Assert.Equal(("media", "no good"), (error.GetProperty("category").GetString(), error.GetProperty("reason").GetString()));
        Assert.Equal(("failed", "no good"), (payloads[3].GetProperty("data").GetProperty("status").GetString(), payloads[3].GetProperty("data").GetProperty("reason").GetString()));
        Assert.False(payloads[4].GetProperty("data").TryGetProperty("error", out _));
        Assert.NotEqual(payloads[1].GetProperty("data").GetProperty("started_at").GetString(), payloads[4].GetProperty("data").GetProperty("started_at").GetString());
    }

    [Fact]
    public async Task A_job_that_was_paused_does_not_start_a_second_time()
    {
        var webhook = await HookAsync(_owner, "job_started");
        await _store.UploadAsync(_owner, Ct);
        var task = await ClaimAsync();
        await MoveAsync(task, JobTrigger.Paused);
        await Outcomes.PreemptAsync(task, Ct);
        await MoveAsync(task, JobTrigger.Resumed);
        await ClaimAsync();
        Assert.Equal(["job.started"], await _store.EventsAsync(webhook, Ct));
    }

    [Fact]
    public async Task Only_the_owner_s_active_webhooks_that_listen_are_told()
    {
        var stranger = await UserAsync();
        var listening = await HookAsync(_owner, "video_uploaded");
        var other = await HookAsync(_owner, "video_ready");
        var inactive = await HookAsync(_owner, "video_uploaded");
        await _store.Get<WebhookStore>().ChangeAsync(inactive, new(null, null, null, false), Ct);
        var foreign = await HookAsync(stranger, [.. WebhookEvents.Keys]);
        await _store.UploadAsync(_owner, Ct);
        await _store.UploadAsync(null, Ct); // of nobody
        Assert.Equal((1, 0, 0, 0), (await CountAsync(listening), await CountAsync(other), await CountAsync(inactive), await CountAsync(foreign)));
    }

    [Fact]
    public async Task What_is_rolled_back_is_not_told()
    {
        var webhook = await HookAsync(_owner, "video_deleted");
        var video = await _store.UploadAsync(_owner, Ct);
        await using (var transaction = await _store.Database.BeginAsync(Ct))
        {
            var locked = await transaction.LockVideoAsync(video, Ct);
            Assert.Equal(MoveOutcome.Moved, await transaction.MoveAsync(locked!, Contracts.Videos.VideoTrigger.Deleted, null, Ct));
        }

        Assert.Equal(0, await CountAsync(webhook));
    }

    [Fact]
    public async Task Others_publish_events_of_their_own_by_one_call()
    {
        var webhook = await HookAsync(_owner, "quota_exceeded");
        await _store.Get<WebhookOutbox>().PublishAsync(_owner, WebhookEvents.QuotaExceeded, JsonElement.Parse("""{"quota":100}"""), JsonTypes.Default.JsonElement, Ct);
        await _store.Get<WebhookOutbox>().PublishAsync(await UserAsync(), WebhookEvents.QuotaExceeded, JsonElement.Parse("""{"quota":100}"""), JsonTypes.Default.JsonElement, Ct);
        var payload = Assert.Single(await PayloadsAsync(webhook));
        Assert.Equal(("quota.exceeded", 100), (payload.GetProperty("event").GetString(), payload.GetProperty("data").GetProperty("quota").GetInt32()));
    }

    [Fact]
    public async Task Progress_is_one_delivery_with_the_latest_figure_until_somebody_tries_it()
    {
        var webhook = await HookAsync(_owner, "job_progress");
        await _store.UploadAsync(_owner, Ct);
        var task = await ClaimAsync();
        await ReportAsync(); // nothing has changed since it started
        Assert.Equal(0, await CountAsync(webhook));

        await BeatAsync(task, 0.25);
        await Task.WhenAll(ReportAsync(), ReportAsync()); // two replicas
        await BeatAsync(task, 0.5);
        await ReportAsync();
        await ReportAsync();
        var only = Assert.Single(await PayloadsAsync(webhook));
        Assert.Equal(("job.progress", 1.0), (only.GetProperty("event").GetString(), only.GetProperty("data").GetProperty("progress").GetDouble()));

        // While it is being sent nothing is written; its bytes stay.
        var claimed = Assert.Single(await DueAsync());
        await BeatAsync(task, 0.75);
        await ReportAsync();
        Assert.Single(await PayloadsAsync(webhook));

        // It was refused: the next figure takes its place, and its attempts and its wait with it.
        await _store.Get<DeliveryQueue>().RecordAsync([new(claimed, DeliveryTrigger.Refused, TimeSpan.FromHours(1), 500, 1, "no")], new(5, TimeSpan.FromDays(3)), Ct);
        await ReportAsync();
        var rows = await _store.QueryAsync(
            "select state, attempts, due > now() + interval '50 minutes', progress from webhook_deliveries where webhook_id = $1 order by id",
            row => (row.GetString(0), row.GetInt32(1), row.GetBoolean(2), row.GetFloat(3)), Ct, webhook);
        Assert.Equal([("superseded", 1, true, 1f), ("pending", 1, true, 1.5f)], rows);

        // The job ends: how far it was is no news any more.
        await Outcomes.FailAsync(task, new(FailureCategory.Media, "no good", null, IsPermanent: true), Ct);
        await ReportAsync();
        Assert.Equal(["superseded", "superseded"], await _store.QueryAsync("select state from webhook_deliveries where webhook_id = $1", row => row.GetString(0), Ct, webhook));
    }

    [Fact]
    public async Task Deliveries_are_forgotten_when_they_ended_long_ago_or_wait_for_a_webhook_that_is_off()
    {
        var (active, inactive) = (await HookAsync(_owner, "video_uploaded"), await HookAsync(_owner, "video_uploaded"));
        foreach (var state in (string[])["delivered", "failed", "superseded", "pending"])
        {
            foreach (var days in (int[])[29, 31])
            {
                foreach (var webhook in (Guid[])[active, inactive])
                {
                    await _store.QueryAsync(
                        """
                        insert into webhook_deliveries (id, webhook_id, event, payload, state, created_at, ended_at)
                        values (gen_random_uuid(), $1, 'webhook.test', '', $2, now() - make_interval(days => $3), case when $2 <> 'pending' then now() - make_interval(days => $3) end)
                        """, _ => 0, Ct, webhook, state, days);
                }
            }
        }

        await _store.Get<WebhookStore>().ChangeAsync(inactive, new(null, null, null, false), Ct);
        Assert.Equal(7, await _store.Get<DeliveryLog>().ForgetAsync(TimeSpan.FromDays(30), Ct)); // three states of each, and what waits for the one that is off
        Assert.Equal((5, 4), (await CountAsync(active), await CountAsync(inactive)));
    }

    [Fact]
    public async Task A_webhook_can_be_deleted_while_failures_of_it_are_written_down()
    {
        for (var i = 0; i < 40; i++)
        {
            var webhook = await HookAsync(_owner, "video_uploaded");
            for (var test = 0; test < 3; test++)
            {
                await _store.Get<DeliveryLog>().TestAsync(webhook, Ct);
            }

            var outcomes = (await _store.Get<DeliveryQueue>().ClaimAsync(new Dictionary<Guid, int>(), 3, 3, TimeSpan.FromMinutes(1), Ct))
                .Select(claimed => new DeliveryOutcome(claimed, DeliveryTrigger.Refused, TimeSpan.FromHours(1), 500, 1, "no")).ToList();
            Assert.Equal(3, outcomes.Count);
            var deleted = _store.Get<WebhookStore>().DeleteAsync(webhook, Ct);
            await _store.Get<DeliveryQueue>().RecordAsync(outcomes, new(5, TimeSpan.FromDays(3)), Ct);
            Assert.True(await deleted);
        }
    }

    [Fact]
    public void Ids_are_in_the_order_in_which_they_were_given_out()
    {
        Guid[] ids = [.. Enumerable.Range(0, 20_000).Select(_ => OrderedIds.Next())]; // far more than a millisecond's
        Assert.All(ids, id => Assert.Equal((7, 0b10), (id.Version, id.Variant >> 2)));
        Assert.Equal(ids, ids.Order());
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    private async Task<Guid> UserAsync() => (await new Store.Accounts.UserStore(_store.Database).CreateAsync($"{Guid.NewGuid():N}@example.com", "", Store.Accounts.Role.User, Ct))!.Id;

    private async Task<Guid> HookAsync(Guid owner, params string[] events) =>
        (await _store.Get<WebhookStore>().CreateAsync(Guid.CreateVersion7(), owner, "https://a.example", events.ToDictionary(key => key, _ => true), [], Ct))!.Id;

    private Task<ClaimedTask> ClaimAsync() => _store.ClaimAsync(Ct);

    private Task<LeaseOrder> BeatAsync(ClaimedTask task, double progress) => Queue.BeatAsync(task, progress, Ct);

    private Task ReportAsync() => _store.Get<ProgressReports>().PassAsync(Ct);

    private Task<IReadOnlyList<ClaimedDelivery>> DueAsync() => _store.Get<DeliveryQueue>().ClaimAsync(new Dictionary<Guid, int>(), 2, 32, TimeSpan.FromMinutes(1), Ct);

    private Task<long> CountAsync(Guid webhook) => _store.ScalarAsync<long>("select count(*) from webhook_deliveries where webhook_id = $1", Ct, webhook);

    private Task<List<JsonElement>> PayloadsAsync(Guid webhook) =>
        _store.QueryAsync("select payload from webhook_deliveries where webhook_id = $1 order by id", row => JsonElement.Parse(row.GetFieldValue<byte[]>(0)), Ct, webhook);

    private async Task MoveAsync(ClaimedTask task, JobTrigger trigger)
    {
        await using var transaction = await _store.Database.BeginAsync(Ct);
        var video = await transaction.LockVideoAsync(task.VideoId, Ct);
        var job = await transaction.LockJobAsync(task.JobId, Ct);
        Assert.Equal(MoveOutcome.Moved, await transaction.MoveAsync(job!, video!, trigger, null, Ct));
        await transaction.CommitAsync(Ct);
    }
}

[System.Text.Json.Serialization.JsonSerializable(typeof(JsonElement))]
internal sealed partial class JsonTypes : System.Text.Json.Serialization.JsonSerializerContext;
