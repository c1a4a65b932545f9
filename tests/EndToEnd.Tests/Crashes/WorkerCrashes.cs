using System.Diagnostics;
using Aspire.Hosting.ApplicationModel;
using Lifecycle.Contracts;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Crashes;

/// <summary><c>kill -9</c> and SIGSTOP of workers exactly where it matters.</summary>
public sealed class WorkerCrashes(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(3);

    /// <summary>A lease, a pass of the rescuer, a claim.</summary>
    private static readonly TimeSpan _runsAgainWithin = TimeSpan.FromSeconds(45);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_worker_killed_at_any_point_of_any_task_costs_a_lease_and_no_video()
    {
        await Pool.IdleAsync(platform, Ct);
        FaultPoint[] points = [FaultPoint.TaskPlan, FaultPoint.TaskChunk, FaultPoint.TaskAudio, FaultPoint.TaskFinalize, FaultPoint.TaskBeforeCommit, FaultPoint.TaskAfterCommit];
        foreach (var point in points)
        {
            platform.Arm(point, "kill");
        }

        var source = await Clips.ShortAsync();
        Guid[] videos = [await platform.UploadAsync(source, Ct), await platform.UploadAsync(source, Ct)];
        await Task.WhenAll(points.Select(point => platform.HitAsync(point, _within)));
        foreach (var video in videos)
        {
            Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
        }

        await new Aftermath(platform).CheckAsync(source, videos);
        await CheckRepeatsAsync(videos);
    }

    [Fact]
    public async Task A_worker_stopped_past_its_lease_and_woken_changes_nothing()
    {
        await Pool.IdleAsync(platform, Ct);
        platform.Arm(FaultPoint.TaskBeforeCommit, "stop");
        var source = await Clips.ShortAsync();
        var video = await platform.UploadAsync(source, Ct);
        var zombie = await platform.HitAsync(FaultPoint.TaskBeforeCommit, _within);
        var log = LogOf(zombie);
        var stopped = new FileInfo(log).Length;
        try
        {
            Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
            Assert.Equal(1, await platform.Store.ScalarAsync<long>(ExpiredRuns, Ct, video)); // else it holds something else, and wakes within its lease
        }
        finally
        {
            await Signals.SendAsync("CONT", zombie);
        }

        // It wakes with its files written and its commit before it: the token is refused, and it says so.
        await platform.Application.ResourceNotifications.WaitForResourceHealthyAsync("processing-worker", Ct);
        await Poll.UntilAsync(() => Task.FromResult(ReadFrom(log, stopped)), SaysThatItsLeaseWasLost, _within, "the zombie's end");
        await new Aftermath(platform).CheckAsync(source, video);
        Assert.False(Process.GetProcessById(zombie).HasExited); // it lives on and takes new work
    }

    /// <summary>Every run that was killed was followed by another soon after.</summary>
    private async Task CheckRepeatsAsync(Guid[] videos)
    {
        var repeats = await platform.Store.QueryAsync(
            """
            select t.kind, (select min(n.started_at) from task_runs n where n.task_id = r.task_id and n.lease_token > r.lease_token) - r.started_at
            from task_runs r join tasks t on t.id = r.task_id where t.video_id = any($1) and r.outcome = 'LeaseExpired'
            """, row => (Task: row.GetString(0), After: row.GetFieldValue<TimeSpan>(1)), Ct, videos);
        Assert.True(repeats.Count >= 5, $"{repeats.Count} runs were cut short");
        Assert.All(repeats, repeat => Assert.True(repeat.After < _runsAgainWithin, $"{repeat.Task}: after {repeat.After}"));
    }

    private const string ExpiredRuns = "select count(*) from task_runs r join tasks t on t.id = r.task_id where t.video_id = $1 and r.outcome = 'LeaseExpired'";

    private static bool SaysThatItsLeaseWasLost(string told) => told.Contains("the lease was lost", StringComparison.Ordinal) || told.Contains("LeaseLost", StringComparison.Ordinal);

    private static string ReadFrom(string log, long offset)
    {
        using var file = File.OpenRead(log);
        file.Position = file.Length < offset ? 0 : offset; // begun anew at its bound
        using StreamReader reader = new(file);
        return reader.ReadToEnd();
    }

    private string LogOf(int pid)
    {
        var worker = Enumerable.Range(0, 2).Select(replica => $"processing-worker-{replica}").Single(replica => platform.Pid(replica) == pid);
        return Path.Combine(platform.StateFolder, "logs", $"{worker}.log");
    }
}
