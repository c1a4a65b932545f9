using System.Collections.Concurrent;
using System.Diagnostics;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Videos;
using Npgsql;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Claims, leases, fan-in, retries and the dead letter queue, on a real database.</summary>
public sealed class TaskQueueTests(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;

    private TaskQueue Queue => _store.Get<TaskQueue>();

    private TaskOutcomes Outcomes => _store.Get<TaskOutcomes>();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_video_goes_from_upload_to_READY_through_plan_chunks_audio_and_finalize()
    {
        var video = await UploadAsync();
        var plan = await ClaimAsync();
        Assert.Equal(TaskKind.Plan, plan.Kind);
        Assert.Equal(VideoState.Processing, await StateAsync(video));

        await Outcomes.CompletePlanAsync(plan, "{}", PlannedWork.Of(2, true), Ct);
        var parts = new[] { await ClaimAsync(), await ClaimAsync(), await ClaimAsync() };
        Assert.Equal([TaskKind.Audio, TaskKind.Chunk, TaskKind.Chunk], parts.Select(part => part.Kind));
        Assert.Null((await Queue.ClaimAsync("worker-9", ClaimRoom.Any, Ct)).Task); // the finalizing task waits for all of them
        await Task.WhenAll(parts.Select(part => Outcomes.CompletePartAsync(part, "{}", Ct)));

        var final = await ClaimAsync();
        Assert.Equal(TaskKind.Finalize, final.Kind);
        Assert.Equal(RunEnd.Committed, await Outcomes.CompleteFinalAsync(final, new("{}", "{}", "{}"), Ct));
        Assert.Equal(VideoState.Ready, await StateAsync(video));
        Assert.Equal(1, await CountAsync("select count(*) from video_versions where video_id = $1", video));
    }

    [Fact]
    public async Task Eight_workers_claim_each_task_exactly_once_and_in_order()
    {
        for (var i = 0; i < 40; i++)
        {
            await UploadAsync();
        }

        ConcurrentBag<Guid> claimed = [];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            while ((await Queue.ClaimAsync($"worker-{worker}", ClaimRoom.Any, Ct)).Task is { } task)
            {
                claimed.Add(task.TaskId);
            }
        }));
        Assert.Equal(40, claimed.Count);
        Assert.Equal(40, claimed.Distinct().Count());
    }

    [Fact]
    public async Task Higher_priority_goes_first_and_equal_ones_in_the_order_of_their_jobs()
    {
        List<Guid> videos = [await UploadAsync(), await UploadAsync(), await UploadAsync()];
        await ExecuteAsync("update tasks set priority = 10 where video_id = $1", videos[2]);
        List<Guid> order = [];
        while ((await Queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task is { } task)
        {
            order.Add(task.VideoId);
        }

        Assert.Equal([videos[2], videos[0], videos[1]], order);
    }

    [Fact]
    public async Task A_lease_that_ran_out_gives_the_task_to_another_worker_and_the_zombie_changes_nothing()
    {
        var video = await UploadAsync();
        var zombie = await ClaimAsync();
        await ExecuteAsync("update tasks set lease_until = now() - interval '1 second' where id = $1", zombie.TaskId);
        await _store.Get<Rescuer>().PassAsync(Ct);

        var second = await ClaimAsync();
        Assert.Equal((zombie.TaskId, 2), (second.TaskId, second.Attempt));
        Assert.NotEqual(zombie.LeaseToken, second.LeaseToken);
        Assert.Equal(LeaseOrder.Lost, await Queue.BeatAsync(zombie, 0.5, Ct));
        Assert.Equal(RunEnd.LeaseLost, await Outcomes.CompletePlanAsync(zombie, "{}", PlannedWork.Of(5, false), Ct));
        Assert.Equal(RunEnd.LeaseLost, await Outcomes.FailAsync(zombie, Failure(permanent: true), Ct));
        Assert.Equal(1, await CountAsync("select count(*) from tasks where video_id = $1", video));

        Assert.Equal(LeaseOrder.Continue, await Queue.BeatAsync(second, 0.5, Ct));
        Assert.Equal(RunEnd.Committed, await Outcomes.CompletePlanAsync(second, "{}", PlannedWork.Of(5, false), Ct));
    }

    /// <summary>A process that is stopped in a transaction keeps its connection open, and would keep its locks until it is woken.</summary>
    [Fact]
    public async Task A_claim_waits_for_a_process_that_sleeps_in_a_transaction_no_longer_than_a_lease()
    {
        var video = await UploadAsync();
        await using var asleep = await _store.Database.BeginAsync(Ct);
        Assert.NotNull(await asleep.LockVideoAsync(video, Ct));
        var asked = Stopwatch.GetTimestamp();
        Assert.Equal(video, (await ClaimAsync()).VideoId);
        Assert.InRange(Stopwatch.GetElapsedTime(asked), TimeSpan.FromSeconds(5), TaskQueue.Lease); // it was waited for at all
        var woken = await Assert.ThrowsAnyAsync<NpgsqlException>(() => asleep.CommitAsync(Ct));
        Assert.True(Outages.IsOutage(woken));
    }

    [Fact]
    public async Task A_beat_keeps_the_lease_from_the_rescuer()
    {
        await UploadAsync();
        var task = await ClaimAsync();
        await _store.Get<Rescuer>().PassAsync(Ct);
        Assert.Equal(LeaseOrder.Continue, await Queue.BeatAsync(task, 0, Ct));
    }

    [Fact]
    public async Task A_task_fails_for_good_after_the_first_run_and_exactly_five_retries_and_is_replayed_by_one_call()
    {
        var video = await UploadAsync();
        List<double> delays = [];
        for (var run = 1; run <= 6; run++)
        {
            var task = await ClaimAsync();
            Assert.Equal(run, task.Attempt);
            await Outcomes.FailAsync(task, Failure(permanent: false), Ct);
            if (run <= 5)
            {
                Assert.Null((await Queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task);
                delays.Add(await ScalarAsync<double>("select extract(epoch from run_after - now())::float8 from tasks where id = $1", task.TaskId));
                await ExecuteAsync("update tasks set run_after = now() where id = $1", task.TaskId);
            }
        }

        Assert.Equal([60, 120, 240, 480, 960], delays.Select(delay => (int)Math.Ceiling(delay)));
        Assert.Equal(VideoState.Failed, await StateAsync(video));
        var letter = Assert.Single(await _store.Get<DeadLetters>().ListAsync(null, null, 10, Ct), letter => letter.VideoId == video);
        Assert.Equal(("storage", 6, "stderr"), (letter.Category, letter.Attempts, letter.Detail));

        Assert.Equal(MoveOutcome.Moved, await _store.Get<DeadLetters>().ReplayAsync(letter.Id, Ct));
        Assert.Equal(VideoState.Uploaded, await StateAsync(video));
        Assert.Equal(MoveOutcome.Missing, await _store.Get<DeadLetters>().ReplayAsync(letter.Id, Ct));
        Assert.Equal(1, (await ClaimAsync()).Attempt);
    }

    [Fact]
    public async Task Unusable_media_fails_at_once()
    {
        var video = await UploadAsync();
        await Outcomes.FailAsync(await ClaimAsync(), Failure(permanent: true), Ct);
        var status = await _store.Get<VideoStore>().StatusAsync(video, Ct);
        Assert.Equal((VideoState.Failed, "storage", "no good"), (status!.State, status.FailureCategory, status.FailureReason));
    }

    [Fact]
    public async Task Putting_off_and_giving_back_spend_no_attempt()
    {
        await UploadAsync();
        await Outcomes.SnoozeAsync(await ClaimAsync(), TimeSpan.Zero, Failure(permanent: false), Ct);
        var task = await ClaimAsync();
        Assert.Equal(1, task.Attempt);
        await Outcomes.PreemptAsync(task, Ct);
        Assert.Equal(1, (await ClaimAsync()).Attempt);
    }

    [Fact]
    public async Task A_task_that_is_put_off_for_two_hours_spends_an_attempt_and_one_of_half_an_hour_none()
    {
        var video = await UploadAsync();
        for (var minutes = 30; minutes >= 0; minutes -= 5)
        {
            Assert.Equal(1, await PutOffAsync(began: minutes));
        }

        Assert.Equal(1, await PutOffAsync(began: 119));
        Assert.Equal(1, await PutOffAsync(began: 121)); // the first that is found too old is the next one's past
        Assert.Equal(2, await PutOffAsync(began: 0));
        Assert.Equal(2, await PutOffAsync(began: 0)); // counted anew
        Assert.Equal(["Snoozed", "Retried"], await _store.QueryAsync(
            "select distinct on (outcome) outcome from task_runs r join tasks t on t.id = r.task_id where t.video_id = $1 order by outcome desc", row => row.GetString(0), Ct, video));

        async Task<int> PutOffAsync(int began)
        {
            var task = await ClaimAsync();
            await Outcomes.SnoozeAsync(task, TimeSpan.Zero, Failure(permanent: false), Ct);
            await _store.QueryAsync("update task_runs set started_at = now() - make_interval(mins => $2) where lease_token = $1", _ => 0, Ct, task.LeaseToken, began);
            await ExecuteAsync("update tasks set run_after = now() where id = $1", task.TaskId);
            return await ScalarAsync<int>("select attempt from tasks where id = $1", task.TaskId);
        }
    }

    [Fact]
    public async Task Replaying_one_of_two_failed_tasks_runs_both_and_the_video_becomes_READY()
    {
        var video = await UploadAsync();
        await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(2, false), Ct);
        ClaimedTask[] chunks = [await ClaimAsync(), await ClaimAsync()];
        foreach (var chunk in chunks)
        {
            Assert.Equal(RunEnd.Committed, await Outcomes.FailAsync(chunk, Failure(permanent: true), Ct));
        }

        var letter = Assert.Single(await _store.Get<DeadLetters>().ListAsync(null, null, 10, Ct), letter => letter.VideoId == video);
        Assert.Equal(MoveOutcome.Moved, await _store.Get<DeadLetters>().ReplayAsync(letter.Id, Ct));
        Assert.Equal(0, await CountAsync("select count(*) from dead_letters where video_id = $1", video));
        await Outcomes.CompletePartAsync(await ClaimAsync(), "{}", Ct);
        await Outcomes.CompletePartAsync(await ClaimAsync(), "{}", Ct);
        Assert.Equal(RunEnd.Committed, await Outcomes.CompleteFinalAsync(await ClaimAsync(), new("{}", "{}", "{}"), Ct));
        Assert.Equal(VideoState.Ready, await StateAsync(video));
    }

    [Fact]
    public async Task A_fan_in_that_was_missed_is_made_up_for()
    {
        var video = await UploadAsync();
        await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(1, false), Ct);
        await Outcomes.CompletePartAsync(await ClaimAsync(), "{}", Ct);
        await ExecuteAsync("update tasks set state = 'waiting' where kind = 'finalize' and video_id = $1", video);
        Assert.Null((await Queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task);
        await _store.Get<Rescuer>().PassAsync(Ct);
        Assert.Equal(TaskKind.Finalize, (await ClaimAsync()).Kind);
    }

    [Fact]
    public async Task Deleting_a_video_stops_its_running_task_and_publishes_nothing()
    {
        var video = await UploadAsync();
        await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(1, false), Ct);
        await Outcomes.CompletePartAsync(await ClaimAsync(), "{}", Ct);
        var final = await ClaimAsync();
        Assert.Equal(MoveOutcome.Moved, await _store.Get<VideoStore>().DeleteAsync(video, Ct));
        Assert.Equal(MoveOutcome.Missing, await _store.Get<VideoStore>().DeleteAsync(video, Ct));
        Assert.Equal(LeaseOrder.Stop, await Queue.BeatAsync(final, 1, Ct));
        await Outcomes.CompleteFinalAsync(final, new("{}", "{}", "{}"), Ct);
        Assert.Equal(0, await CountAsync("select count(*) from video_versions where video_id = $1", video));
        Assert.Null(await _store.Get<VideoStore>().StatusAsync(video, Ct));
        Assert.Null((await Queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task);
    }

    [Fact]
    public async Task Twenty_parts_that_end_at_once_release_the_finalizing_task_once()
    {
        await UploadAsync();
        await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(20, false), Ct);
        List<ClaimedTask> parts = [];
        for (var i = 0; i < 20; i++)
        {
            parts.Add(await ClaimAsync());
        }

        await Task.WhenAll(parts.Select(part => Outcomes.CompletePartAsync(part, "{}", Ct)));
        Assert.Equal(TaskKind.Finalize, (await ClaimAsync()).Kind);
        Assert.Null((await Queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task);
    }

    private static TaskFailure Failure(bool permanent) => new(FailureCategory.Storage, "no good", "stderr", permanent);

    private Task<Guid> UploadAsync() => _store.UploadedAsync(Ct);

    private Task<ClaimedTask> ClaimAsync() => _store.ClaimAsync(Ct);

    private async Task<VideoState?> StateAsync(Guid video) => (await _store.Get<VideoStore>().StatusAsync(video, Ct))?.State;

    private Task<long> CountAsync(string sql, Guid id) => ScalarAsync<long>(sql, id);

    private Task<T> ScalarAsync<T>(string sql, object parameter) => _store.ScalarAsync<T>(sql, Ct, parameter);

    private async Task ExecuteAsync(string sql, object parameter) => await _store.QueryAsync(sql, _ => 0, Ct, parameter);
}
