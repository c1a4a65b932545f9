using System.Collections.Concurrent;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Storage;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Transcode jobs: order, control, dependencies, room and what stays of them, on a real database.</summary>
public sealed class JobTests(Servers servers) : IAsyncLifetime
{
    private const string Config = """{"outputFormat":"mp4","codec":"libx264"}""";

    private TestStore _store = null!;

    private JobStore Jobs => _store.Get<JobStore>();

    private TaskQueue Queue => _store.Get<TaskQueue>();

    private TaskOutcomes Outcomes => _store.Get<TaskOutcomes>();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_hundred_jobs_of_mixed_priority_start_in_strict_priority_and_in_their_order_within_one()
    {
        var video = await ReadyAsync();
        Random random = new(7);
        List<(Guid Job, int Priority)> made = [];
        for (var i = 0; i < 100; i++)
        {
            var priority = random.Next(0, 11);
            made.Add((await CreateAsync(video, priority), priority));
        }

        List<Guid> started = [];
        while ((await Queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task is { } task)
        {
            started.Add(task.JobId);
            await FinishAsync(task); // the whole job, before the next of its level begins
        }

        Assert.Equal(made.OrderByDescending(job => job.Priority).Select(job => job.Job), started);
        Assert.All(await Task.WhenAll(made.Select(job => Jobs.FindAsync(job.Job, Ct))), job => Assert.Equal(JobState.Completed, job!.State));
    }

    [Fact]
    public async Task A_paused_job_gives_its_task_back_and_goes_on_behind_its_finished_chunks_without_spending_an_attempt()
    {
        var job = await CreateAsync(await ReadyAsync());
        await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(2, audio: false), Ct);
        await Outcomes.CompletePartAsync(await ClaimAsync(), "{}", Ct);
        var second = await ClaimAsync();

        Assert.Equal(new(MoveOutcome.Moved, JobState.Paused), await Jobs.MoveAsync(job, JobTrigger.Paused, Ct));
        Assert.Equal(new(MoveOutcome.AlreadyThere, JobState.Paused), await Jobs.MoveAsync(job, JobTrigger.Paused, Ct));
        Assert.Equal(LeaseOrder.Stop, await Queue.BeatAsync(second, 0.5, Ct));
        await Outcomes.PreemptAsync(second, Ct);
        Assert.Null((await Queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task);

        Assert.Equal(MoveOutcome.Moved, (await Jobs.MoveAsync(job, JobTrigger.Resumed, Ct)).Outcome);
        var again = await ClaimAsync();
        Assert.Equal((second.TaskId, 1), (again.TaskId, again.Attempt));
        await FinishAsync(again);
        Assert.Equal(1, await _store.ScalarAsync<long>("select max(n) from (select count(*) n from task_runs r join tasks t on t.id = r.task_id where t.job_id = $1 and r.outcome = 'Completed' group by t.id) c", Ct, job));
        Assert.Equal(JobState.Completed, (await Jobs.FindAsync(job, Ct))!.State);
        Assert.Equal(new(MoveOutcome.NotAllowed, JobState.Completed), await Jobs.MoveAsync(job, JobTrigger.Cancelled, Ct));
    }

    [Fact]
    public async Task A_last_task_that_ends_behind_a_pause_publishes_nothing_and_runs_again_after_it()
    {
        var job = await CreateAsync(await ReadyAsync());
        await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(0, audio: false), Ct);
        await _store.Get<Rescuer>().PassAsync(Ct); // nothing else to wait for
        var last = await ClaimAsync();
        await Jobs.MoveAsync(job, JobTrigger.Paused, Ct);
        await Outcomes.CompleteOutputAsync(last, "{}", Ct);
        Assert.Equal((JobState.Paused, null), ((await Jobs.FindAsync(job, Ct))!.State, (await Jobs.FindAsync(job, Ct))!.Output));
        await Jobs.MoveAsync(job, JobTrigger.Resumed, Ct);
        await Outcomes.CompleteOutputAsync(await ClaimAsync(), "{}", Ct);
        Assert.Equal(JobState.Completed, (await Jobs.FindAsync(job, Ct))!.State);
    }

    /// <summary>The failure of a run that began before the pause.</summary>
    [Fact]
    public async Task A_task_that_fails_for_good_behind_a_pause_fails_the_job_and_can_be_replayed()
    {
        var job = await CreateAsync(await ReadyAsync());
        var task = await ClaimAsync();
        await Jobs.MoveAsync(job, JobTrigger.Paused, Ct);
        await Outcomes.FailAsync(task, new(FailureCategory.Media, "no good", null, IsPermanent: true), Ct);
        Assert.Equal(JobState.Failed, (await Jobs.FindAsync(job, Ct))!.State);
        var letter = Assert.Single(await _store.Get<DeadLetters>().ListAsync(null, null, 10, Ct));
        Assert.Equal(MoveOutcome.Moved, await _store.Get<DeadLetters>().ReplayAsync(letter.Id, Ct));
        Assert.Equal(task.TaskId, (await ClaimAsync()).TaskId);
    }

    [Fact]
    public async Task No_task_of_a_cancelled_or_deleted_or_given_up_job_stays_open_however_its_run_ends()
    {
        List<ClaimedTask> running = [];
        foreach (var end in (string[])["cancelled", "deleted", "given up"])
        {
            var video = await ReadyAsync();
            var job = await CreateAsync(video, priority: 10);
            await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(3, audio: true), Ct);
            running.Add(await ClaimAsync());
            switch (end)
            {
                case "cancelled":
                    await Jobs.MoveAsync(job, JobTrigger.Cancelled, Ct);
                    break;
                case "deleted":
                    await _store.Get<VideoStore>().DeleteAsync(video, Ct);
                    break;
                default:
                    await Outcomes.FailAsync(await ClaimAsync(), new(FailureCategory.Media, "no good", null, IsPermanent: true), Ct);
                    Assert.True(await _store.Get<DeadLetters>().DeleteAsync(Assert.Single(await _store.Get<DeadLetters>().ListAsync(null, null, 10, Ct)).Id, Ct));
                    break;
            }
        }

        await Outcomes.PreemptAsync(running[0], Ct);
        await Outcomes.FailAsync(running[1], new(FailureCategory.Storage, "no good", null, IsPermanent: false), Ct);
        Assert.Empty(await _store.QueryAsync("select kind from tasks where state in ('waiting', 'runnable')", row => row.GetString(0), Ct));
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from dead_letters", Ct));
    }

    [Fact]
    public async Task Deleting_a_video_takes_its_dead_letters_with_it()
    {
        var video = await _store.UploadedAsync(Ct);
        await Outcomes.FailAsync(await ClaimAsync(), new(FailureCategory.Media, "no good", null, IsPermanent: true), Ct);
        await _store.Get<VideoStore>().DeleteAsync(video, Ct);
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from dead_letters", Ct));
    }

    [Fact]
    public async Task A_dependent_that_was_chosen_before_its_dependency_was_replayed_goes_on_waiting()
    {
        var video = await ReadyAsync();
        var first = await CreateAsync(video);
        var (_, waiting) = await Jobs.CreateAsync(video, new(JobKind.Transcode, 0, Config), [first], null, Ct);
        await _store.Get<JobDependencies>().DecideAsync(waiting, video, Ct); // as if it had been chosen
        Assert.Equal(JobState.Pending, (await Jobs.FindAsync(waiting, Ct))!.State);
    }

    [Fact]
    public async Task A_job_is_deleted_once_it_has_ended_and_only_if_it_is_no_video_s_own()
    {
        var video = await ReadyAsync();
        var job = await CreateAsync(video);
        Assert.Equal(new(MoveOutcome.NotAllowed, JobState.Queued), await Jobs.DeleteAsync(job, Ct));
        var ingest = Assert.Single(await Jobs.ListAsync(null, video, JobState.Completed, null, 10, Ct));
        Assert.Equal(MoveOutcome.NotAllowed, (await Jobs.DeleteAsync(ingest.Id, Ct)).Outcome);
        await FinishAsync(await ClaimAsync());
        Assert.Equal(MoveOutcome.Moved, (await Jobs.DeleteAsync(job, Ct)).Outcome);
        Assert.Null(await Jobs.FindAsync(job, Ct));
        Assert.Equal(MoveOutcome.Missing, (await Jobs.DeleteAsync(job, Ct)).Outcome);
    }

    [Fact]
    public async Task Cancelling_a_job_leaves_its_video_alone_and_cancelling_the_video_s_own_processing_fails_it()
    {
        var ready = await ReadyAsync();
        var job = await CreateAsync(ready);
        Assert.Equal(MoveOutcome.Moved, (await Jobs.MoveAsync(job, JobTrigger.Cancelled, Ct)).Outcome);
        Assert.Equal(VideoState.Ready, (await _store.Get<VideoStore>().StatusAsync(ready, Ct))!.State);

        var video = await _store.UploadedAsync(Ct);
        var ingest = Assert.Single(await Jobs.ListAsync(null, video, null, null, 10, Ct));
        await Jobs.MoveAsync(ingest.Id, JobTrigger.Cancelled, Ct);
        var status = await _store.Get<VideoStore>().StatusAsync(video, Ct);
        Assert.Equal((VideoState.Failed, "cancelled"), (status!.State, status.FailureCategory));
        Assert.Null((await Queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task);
    }

    [Fact]
    public async Task A_job_waits_for_those_that_it_depends_on_also_of_another_video()
    {
        Guid[] videos = [await ReadyAsync(), await ReadyAsync(), await ReadyAsync()];
        var (first, other) = (await CreateAsync(videos[0]), await CreateAsync(videos[1]));
        var (_, waiting) = await Jobs.CreateAsync(videos[2], new(JobKind.Transcode, 0, Config, 10), [first, other], null, Ct);
        Assert.Equal(JobState.Pending, (await Jobs.FindAsync(waiting, Ct))!.State);
        await FinishAsync(await ClaimAsync());
        Assert.Equal(JobState.Pending, (await Jobs.FindAsync(waiting, Ct))!.State);
        await FinishAsync(await ClaimAsync());
        Assert.Equal(JobState.Queued, (await Jobs.FindAsync(waiting, Ct))!.State);
        Assert.Equal(waiting, (await ClaimAsync()).JobId);
    }

    [Fact]
    public async Task What_depends_on_a_failed_job_fails_with_it_down_the_chain()
    {
        var video = await ReadyAsync();
        var first = await CreateAsync(video);
        var (_, second) = await Jobs.CreateAsync(video, new(JobKind.Transcode, 0, Config), [first], null, Ct);
        var (_, third) = await Jobs.CreateAsync(video, new(JobKind.Transcode, 0, Config), [second], null, Ct);
        await Outcomes.FailAsync(await ClaimAsync(), new(FailureCategory.Media, "no good", null, IsPermanent: true), Ct);
        await _store.Get<Rescuer>().PassAsync(Ct);
        await _store.Get<Rescuer>().PassAsync(Ct);
        Assert.Equal([JobState.Failed, JobState.Failed], [(await Jobs.FindAsync(second, Ct))!.State, (await Jobs.FindAsync(third, Ct))!.State]);
        Assert.Equal(JobCreation.BadDependency, (await Jobs.CreateAsync(video, new(JobKind.Transcode, 0, Config), [first], null, Ct)).Outcome);
        Assert.Equal(JobCreation.BadDependency, (await Jobs.CreateAsync(video, new(JobKind.Transcode, 0, Config), [Guid.NewGuid()], null, Ct)).Outcome);
    }

    [Fact]
    public async Task A_dependency_that_ended_in_a_crash_s_shadow_is_found_by_the_rescuer()
    {
        Guid[] videos = [await ReadyAsync(), await ReadyAsync()];
        var first = await CreateAsync(videos[0]);
        var (_, waiting) = await Jobs.CreateAsync(videos[1], new(JobKind.Transcode, 0, Config), [first], null, Ct);
        await _store.QueryAsync("update jobs set state = 'completed' where id = $1", _ => 0, Ct, first);
        await _store.Get<Rescuer>().PassAsync(Ct);
        Assert.Equal(JobState.Queued, (await Jobs.FindAsync(waiting, Ct))!.State);
    }

    [Fact]
    public async Task Eight_workers_never_run_more_jobs_at_a_time_than_are_allowed()
    {
        const int Most = 3;
        var video = await ReadyAsync();
        for (var i = 0; i < 30; i++)
        {
            await CreateAsync(video);
        }

        ConcurrentBag<long> seen = [];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(async worker =>
        {
            while (await Jobs.ListAsync(null, video, JobState.Queued, null, 1, Ct) is { Count: > 0 })
            {
                if ((await Queue.ClaimAsync($"worker-{worker}", new(1, 1, Most), Ct)).Task is { } task)
                {
                    seen.Add(await _store.ScalarAsync<long>("select count(distinct job_id) from tasks where state = 'leased'", Ct));
                    await Outcomes.FailAsync(task, new(FailureCategory.Media, "no good", null, IsPermanent: true), Ct);
                }
            }
        }));
        Assert.Equal(30, seen.Count);
        Assert.InRange(seen.Max(), 1, Most);
        Assert.Contains(seen, running => running > 1);
    }

    [Fact]
    public async Task A_task_that_needs_more_slots_than_are_free_is_waited_for_and_one_that_needs_more_than_there_are_gets_them_all()
    {
        var video = await ReadyAsync();
        await CreateAsync(video, priority: 9);
        await Outcomes.CompletePlanAsync(await ClaimAsync(), "{}", PlannedWork.Of(1, audio: false) with { Slots = 4 }, Ct);
        await CreateAsync(video, priority: 1);

        Assert.Equal(new(null, null, IsFull: true), await Queue.ClaimAsync("worker-0", new(Free: 1, Slots: 2, int.MaxValue), Ct)); // not the small one of a lower level
        Assert.Equal(2, (await Queue.ClaimAsync("worker-0", new(Free: 2, Slots: 2, int.MaxValue), Ct)).Task!.Slots);
    }

    [Fact]
    public async Task Progress_follows_the_work_by_its_weight()
    {
        var job = await CreateAsync(await ReadyAsync());
        var plan = await ClaimAsync();
        await Queue.BeatAsync(plan, 0.5, Ct);
        Assert.Equal(0.01, await ProgressAsync(), 3);
        await Outcomes.CompletePlanAsync(plan, "{}", new([3, 1], Audio: null), Ct); // and 0.12 for the end
        Assert.Equal(0.02, await ProgressAsync(), 3);
        var heavy = await ClaimAsync();
        await Queue.BeatAsync(heavy, 0.5, Ct);
        Assert.Equal(0.02 + (0.98 * 1.5 / 4.12), await ProgressAsync(), 3);
        await Outcomes.CompletePartAsync(heavy, "{}", Ct);
        await Outcomes.CompletePartAsync(await ClaimAsync(), "{}", Ct);
        Assert.Equal(0.02 + (0.98 * 4 / 4.12), await ProgressAsync(), 3);
        await Outcomes.CompleteOutputAsync(await ClaimAsync(), "{}", Ct);
        Assert.Equal(1, await ProgressAsync());

        async Task<double> ProgressAsync() => (await Jobs.FindAsync(job, Ct))!.Progress;
    }

    [Fact]
    public async Task The_same_request_key_makes_one_job_and_another_request_under_it_none()
    {
        var video = await ReadyAsync();
        NewJob job = new(JobKind.Transcode, 0, Config, RequestKey: "k");
        var made = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Jobs.CreateAsync(video, job, [], null, Ct)));
        Assert.Single(made.Select(each => each.JobId).Distinct());
        Assert.Single(made, each => each.Outcome == JobCreation.Created);
        Assert.Equal(JobCreation.KeyReused, (await Jobs.CreateAsync(video, job with { Priority = 1 }, [], null, Ct)).Outcome);
    }

    [Fact]
    public async Task Only_the_output_of_a_completed_job_is_kept_and_nothing_of_a_cancelled_or_given_up_one()
    {
        var video = await ReadyAsync();
        List<string> kept = [];
        foreach (var end in (string[])["completed", "cancelled", "given up", "failed"])
        {
            var job = await CreateAsync(video);
            var plan = await ClaimAsync();
            await Outcomes.CompletePlanAsync(plan, "{}", PlannedWork.Of(1, audio: false), Ct);
            var chunk = await ClaimAsync();
            var part = await PutAsync(chunk, "part.m4s");
            await Outcomes.CompletePartAsync(chunk, "{}", Ct);
            var last = await ClaimAsync();
            var file = await PutAsync(last, "output.mp4");
            switch (end)
            {
                case "completed":
                    await Outcomes.CompleteOutputAsync(last, $$"""{"files":[{"name":"output.mp4","key":"{{file}}","bytes":1,"sha256":"","contentType":"video/mp4"}],"durationSeconds":1,"width":2,"height":2}""", Ct);
                    kept.Add(file);
                    break;
                case "cancelled":
                    await Jobs.MoveAsync(job, JobTrigger.Cancelled, Ct);
                    await Outcomes.PreemptAsync(last, Ct);
                    break;
                default:
                    await Outcomes.FailAsync(last, new(FailureCategory.Media, "no good", "stderr", IsPermanent: true), Ct);
                    var letter = Assert.Single(await _store.Get<DeadLetters>().ListAsync(null, null, 10, Ct), letter => letter.JobId == job);
                    Assert.Equal("stderr", (await _store.Get<DeadLetters>().FindAsync(letter.Id, Ct))!.Detail);
                    if (end == "failed")
                    {
                        kept.Add(part); // a replay goes on from it
                    }
                    else
                    {
                        Assert.True(await _store.Get<DeadLetters>().DeleteAsync(letter.Id, Ct));
                        Assert.False(await _store.Get<DeadLetters>().DeleteAsync(letter.Id, Ct));
                        Assert.Equal(MoveOutcome.Missing, await _store.Get<DeadLetters>().ReplayAsync(letter.Id, Ct));
                    }

                    break;
            }
        }

        await _store.QueryAsync("update sweeps set due = due - interval '1 hour'", _ => 0, Ct);
        await _store.Get<Sweeper>().PassAsync(Ct);
        var left = await _store.Get<ObjectStore>().ListAsync(ObjectKeys.Outputs(video), Ct).Select(each => each.Key).ToListAsync(Ct);
        Assert.Equal(kept.Order(StringComparer.Ordinal), left.Order(StringComparer.Ordinal));
    }

    private async Task<Guid> ReadyAsync()
    {
        var video = await _store.UploadedAsync(Ct);
        await FinishAsync(await ClaimAsync());
        return video;
    }

    private async Task<Guid> CreateAsync(Guid video, int priority = 5)
    {
        var (outcome, job) = await Jobs.CreateAsync(video, new(JobKind.Transcode, 0, Config, priority), [], null, Ct);
        Assert.Equal(JobCreation.Created, outcome);
        return job;
    }

    private Task<ClaimedTask> ClaimAsync() => _store.ClaimAsync(Ct);

    /// <summary>Runs a job to its end from this task on, in one worker.</summary>
    private async Task FinishAsync(ClaimedTask task)
    {
        for (var next = task; ; next = await ClaimAsync())
        {
            Assert.Equal(task.JobId, next.JobId);
            switch (next.Kind)
            {
                case TaskKind.Plan:
                    await Outcomes.CompletePlanAsync(next, "{}", PlannedWork.Of(1, audio: false), Ct);
                    break;
                case TaskKind.Finalize:
                    Assert.Equal(RunEnd.Committed, next.Job == JobKind.Ingest
                        ? await Outcomes.CompleteFinalAsync(next, new("""{"version":1,"durationSeconds":1,"video":[],"audio":[]}""", "{}", "{}"), Ct)
                        : await Outcomes.CompleteOutputAsync(next, """{"files":[],"durationSeconds":1,"width":2,"height":2}""", Ct));
                    return;
                default:
                    await Outcomes.CompletePartAsync(next, "{}", Ct);
                    break;
            }
        }
    }

    private Task<string> PutAsync(ClaimedTask task, string name) => _store.PutAsync(task, name, Ct);
}
