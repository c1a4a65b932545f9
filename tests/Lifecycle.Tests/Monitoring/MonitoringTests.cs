using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Net;
using System.Text.Json;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Monitoring;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Videos;
using Lifecycle.Store.Workers;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Testing;
using Upload.Api.Monitoring;
using Xunit;

namespace Lifecycle.Tests.Monitoring;

/// <summary>Seed 004's figures and alerts, from rows of a real database.</summary>
public sealed class MonitoringTests(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task An_empty_system_has_figures_by_the_seed_s_names_and_all_are_0()
    {
        await using var host = await ApiHost.StartAsync(_store);
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        string[] counts =
        [
            "queue_depth", "dlq_depth", "active_jobs", "total_jobs", "completed_jobs", "failed_jobs", "cancelled_jobs", "average_wait_time_seconds", "average_process_time_seconds", "worker_count",
            "healthy_workers",
        ];
        var metrics = await GetAsync(client, "/api/v1/metrics");
        Assert.Equal([.. counts, "last_updated"], metrics.EnumerateObject().Select(property => property.Name));
        Assert.All(counts, name => Assert.Equal(0, metrics.GetProperty(name).GetDouble()));
        Assert.InRange(metrics.GetProperty("last_updated").GetDateTimeOffset(), DateTimeOffset.UnixEpoch.AddYears(50), TimeProvider.System.GetUtcNow().AddMinutes(1));
        Assert.Equal("""{"queue_depth":0,"dlq_depth":0}""", (await GetAsync(client, "/api/v1/queue/stats")).ToString());
        Assert.Equal("""{"workers":[]}""", (await GetAsync(client, "/api/v1/workers/health")).ToString());
        var health = await GetAsync(client, "/api/v1/system/health");
        Assert.Equal("critical", health.GetProperty("status").GetString());
        var alert = Assert.Single(health.GetProperty("alerts").EnumerateArray());
        Assert.Equal(["severity", "code", "message", "value", "threshold"], alert.EnumerateObject().Select(property => property.Name));
        Assert.Equal(("critical", "no-workers"), (alert.GetProperty("severity").GetString(), alert.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Figures_are_those_of_the_rows()
    {
        await JobsAsync("queued", 3);
        await JobsAsync("processing", 2, startedAfter: 10);
        await JobsAsync("completed", 4, startedAfter: 20, endedAfter: 60);
        await JobsAsync("failed", 1, startedAfter: 30, endedAfter: 1000);
        await JobsAsync("cancelled", 5);
        await JobsAsync("completed", 2, startedAfter: 500, endedAfter: 5000, hoursAgo: 30); // too old for the averages
        await WorkersAsync(healthy: 2, silent: 1);
        await WorkersAsync(healthy: 0, silent: 1, silentMinutes: 11); // forgotten
        await using var host = await ApiHost.StartAsync(_store);
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        var metrics = await GetAsync(client, "/api/v1/metrics");
        (string Name, double Value)[] expected =
        [
            ("queue_depth", 3), ("dlq_depth", 0), ("active_jobs", 2), ("total_jobs", 17), ("completed_jobs", 6), ("failed_jobs", 1), ("cancelled_jobs", 5), ("worker_count", 3), ("healthy_workers", 2),
            ("average_wait_time_seconds", (2 * 10 + 4 * 20 + 30) / 7.0), ("average_process_time_seconds", 60),
        ];
        Assert.All(expected, figure => Assert.Equal(figure.Value, metrics.GetProperty(figure.Name).GetDouble(), 0.01));
    }

    [Theory]
    [InlineData("dlq-depth", 100, 101, "critical")]
    [InlineData("queue-depth", 1000, 1001, "warning")]
    [InlineData("failure-rate", 2, 3, "warning")] // of 20 that ended
    public async Task An_alert_stands_beyond_its_threshold_and_not_at_it(string code, int at, int beyond, string severity)
    {
        await WorkersAsync(healthy: 1, silent: 0);
        using var sampler = Sampler();
        await ReachAsync(at);
        Assert.Equal("healthy", await StatusAsync(sampler));
        await _store.QueryAsync("delete from videos returning 1", _ => 0, Ct);
        await ReachAsync(beyond);
        Assert.Equal(severity, await StatusAsync(sampler));
        var alert = Assert.Single((await sampler.HealthAsync(Ct)).Alerts);
        Assert.Equal((code, severity), (alert.Code, alert.Severity));
        Assert.True(alert.Value > alert.Threshold);

        Task ReachAsync(int count) => code switch
        {
            "dlq-depth" => DeadLettersAsync(count),
            "queue-depth" => JobsAsync("queued", count),
            _ => EndedAsync(completed: 20 - count, failed: count),
        };
    }

    [Fact]
    public async Task A_failure_rate_of_fewer_than_10_ended_jobs_or_of_older_ones_says_nothing()
    {
        await WorkersAsync(healthy: 1, silent: 0);
        using var sampler = Sampler();
        await EndedAsync(completed: 0, failed: 9);
        await JobsAsync("failed", 30, startedAfter: 1, endedAfter: 2, hoursAgo: 25);
        Assert.Equal("healthy", await StatusAsync(sampler));
        await EndedAsync(completed: 0, failed: 1);
        Assert.Equal("warning", await StatusAsync(sampler));
    }

    [Theory]
    [InlineData(5, 5, "healthy")]
    [InlineData(8, 10, "healthy")]
    [InlineData(79, 100, "warning")]
    [InlineData(1, 2, "warning")]
    [InlineData(49, 100, "critical")]
    [InlineData(0, 1, "critical")]
    [InlineData(0, 0, "critical")]
    public async Task The_share_of_healthy_workers_decides(int healthy, int all, string status)
    {
        await WorkersAsync(healthy, all - healthy);
        using var sampler = Sampler();
        Assert.Equal(status, await StatusAsync(sampler));
    }

    [Fact]
    public async Task Thresholds_are_settings()
    {
        await WorkersAsync(healthy: 6, silent: 4);
        await JobsAsync("queued", 3);
        await using var host = await ApiHost.StartAsync(
            _store, ("monitoring:thresholds:queueWarning", "2"), ("monitoring:thresholds:healthyWorkersWarningPercent", "60"), ("monitoring:thresholds:healthyWorkersCriticalPercent", "10"));
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        var health = await GetAsync(client, "/api/v1/system/health");
        Assert.Equal("warning", health.GetProperty("status").GetString());
        var alert = Assert.Single(health.GetProperty("alerts").EnumerateArray());
        Assert.Equal(("queue-depth", 3, 2), (alert.GetProperty("code").GetString(), alert.GetProperty("value").GetInt32(), alert.GetProperty("threshold").GetInt32()));
    }

    [Fact]
    public async Task An_alert_is_logged_once_when_it_begins_and_once_when_it_ends()
    {
        Lines lines = new();
        using var sampler = Sampler(lines);
        foreach (var workers in (int[])[0, 0, 1, 1, 0, 0])
        {
            await _store.QueryAsync("delete from workers returning 1", _ => 0, Ct);
            await WorkersAsync(workers, 0);
            await Task.WhenAll(sampler.ReadHealthAsync(Ct), sampler.ReadHealthAsync(Ct));
        }

        Assert.Equal(["Alert no-workers (critical) has begun: No worker is known.", "Alert no-workers (critical) has ended", "Alert no-workers (critical) has begun: No worker is known."], lines.All);
    }

    [Fact]
    public async Task A_worker_s_job_is_shown_to_its_owner_and_the_admin_and_what_it_finished_to_all()
    {
        await using var host = await ApiHost.StartAsync(_store);
        var (owner, token) = await host.RegisterAsync(Ct);
        await WorkersAsync(healthy: 2, silent: 1);
        var (queue, outcomes) = (_store.Get<TaskQueue>(), _store.Get<TaskOutcomes>());
        await VideoAsync(null);
        await FinishAsync();
        var job = await VideoAsync(owner);
        Assert.NotNull((await queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task);
        await host.Get<PlatformSampler>().ReadHealthAsync(Ct);

        var (own, admin, other) = (await ShownAsync(token), await ShownAsync((await host.AdminAsync(Ct)).Token), await ShownAsync((await host.RegisterAsync(Ct)).Token));
        Assert.Equal(["worker-0 healthy 1", "worker-1 healthy 0", "worker-2 unhealthy 0"], other.Select(worker => $"{worker.GetProperty("worker_id")} {worker.GetProperty("status")} {worker.GetProperty("processed_jobs")}"));
        Assert.All(other, worker => Assert.False(worker.TryGetProperty("current_job", out _)));
        Assert.All([own, admin], workers => Assert.Equal(job, workers[0].GetProperty("current_job").GetGuid()));
        Assert.All([own, admin], workers => Assert.False(workers[1].TryGetProperty("current_job", out _)));
        Assert.True(other[0].GetProperty("last_heartbeat").GetDateTimeOffset() > other[2].GetProperty("last_heartbeat").GetDateTimeOffset());

        async Task<List<JsonElement>> ShownAsync(string token)
        {
            using var client = host.Client(token);
            return [.. (await GetAsync(client, "/api/v1/workers/health")).GetProperty("workers").EnumerateArray()];
        }

        async Task FinishAsync()
        {
            await outcomes.CompletePlanAsync((await queue.ClaimAsync("worker-1", ClaimRoom.Any, Ct)).Task!, "{}", PlannedWork.Of(1, false), Ct);
            await outcomes.CompletePartAsync((await queue.ClaimAsync("worker-1", ClaimRoom.Any, Ct)).Task!, "{}", Ct);
            await outcomes.CompleteFinalAsync((await queue.ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task!, new("{}", "{}", "{}"), Ct);
        }
    }

    [Theory]
    [InlineData("/api/v1/metrics")]
    [InlineData("/api/v1/workers/health")]
    [InlineData("/api/v1/system/health")]
    [InlineData("/api/v1/queue/stats")]
    public async Task Every_account_may_ask_and_a_stranger_may_not(string path)
    {
        await using var host = await ApiHost.StartAsync(_store);
        using var stranger = await host.Http.GetAsync(path, Ct);
        await stranger.ProblemAsync(401, "unauthorized", Ct);
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        using var answer = await client.GetAsync(path, Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task The_figures_are_read_again_as_often_as_the_settings_say()
    {
        await using var host = await ApiHost.StartAsync(_store, ("monitoring:metricsInterval", "1"), ("monitoring:healthCheckInterval", "1"));
        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        Assert.Equal(0, (await GetAsync(client, "/api/v1/queue/stats")).GetProperty("queue_depth").GetInt32());
        await JobsAsync("queued", 2);
        await WorkersAsync(healthy: 1, silent: 0);
        await Poll.UntilAsync(
            async () => $"{await GetAsync(client, "/api/v1/queue/stats")} {(await GetAsync(client, "/api/v1/system/health")).GetProperty("status")}",
            seen => seen == """{"queue_depth":2,"dlq_depth":0} healthy""", TimeSpan.FromSeconds(20), "the next readings");
    }

    [Fact]
    public async Task The_same_figures_are_OpenTelemetry_gauges()
    {
        await JobsAsync("queued", 3);
        await JobsAsync("completed", 2, startedAfter: 20, endedAfter: 60);
        await DeadLettersAsync(4);
        await WorkersAsync(healthy: 2, silent: 1);
        await using var host = await ApiHost.StartAsync(_store);
        var sampler = host.Get<PlatformSampler>();
        using Readings readings = new(host);
        await sampler.ReadFiguresAsync(Ct);
        await sampler.ReadHealthAsync(Ct);
        readings.ReadGauges();
        var seen = readings.All;
        (string Name, double Value)[] expected =
        [
            ("videoplatform.job.count{queued} {job}", 3), ("videoplatform.job.count{completed} {job}", 2), ("videoplatform.job.count{paused} {job}", 0), ("videoplatform.dead_letter.count {entry}", 4),
            ("videoplatform.job.wait.time s", 20), ("videoplatform.job.process.time s", 60), ("videoplatform.worker.count{healthy} {worker}", 2), ("videoplatform.worker.count{unhealthy} {worker}", 1),
            ("videoplatform.alert.count{warning} {alert}", 1), ("videoplatform.alert.count{critical} {alert}", 0),
        ];
        Assert.All(expected, figure => Assert.Equal(figure.Value, seen[figure.Name], 0.01));
        Assert.Equal(Enum.GetValues<JobState>().Length, seen.Keys.Count(name => name.StartsWith("videoplatform.job.count", StringComparison.Ordinal)));

        using var client = host.Client((await host.RegisterAsync(Ct)).Token);
        Assert.Equal(seen["videoplatform.job.count{queued} {job}"], (await GetAsync(client, "/api/v1/metrics")).GetProperty("queue_depth").GetDouble());
    }

    private static async Task<JsonElement> GetAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.JsonAsync(Ct);
    }

    private static async Task<string> StatusAsync(PlatformSampler sampler)
    {
        await sampler.ReadHealthAsync(Ct);
        return SystemHealth.StatusOf((await sampler.HealthAsync(Ct)).Alerts);
    }

    private PlatformSampler Sampler(ILogger<PlatformSampler>? logger = null)
    {
        ServiceCollection services = new();
        services.AddMetrics();
        return new(_store.Get<PlatformFigures>(), Options.Create(new MonitoringOptions()), services.BuildServiceProvider().GetRequiredService<IMeterFactory>(), logger ?? new Lines());
    }

    /// <summary>A video with its job, as an upload leaves it.</summary>
    private async Task<Guid> VideoAsync(Guid? owner)
    {
        var (video, uploads) = (Guid.CreateVersion7(), _store.Get<UploadStore>());
        await uploads.BytesSentAsync(video, await uploads.BeginAsync(video, owner, "a.mp4", Ct), 10, new byte[32], Ct);
        await uploads.VerifiedAsync(video, Ct);
        return await _store.ScalarAsync<Guid>("select id from jobs where video_id = $1", Ct, video);
    }

    /// <summary>Jobs of one video, created two hours and <paramref name="hoursAgo"/> ago; times in seconds behind the one before.</summary>
    private async Task JobsAsync(string state, int count, int? startedAfter = null, int? endedAfter = null, int hoursAgo = 0) => await _store.QueryAsync(
        """
        with video as (insert into videos (id, state) values (gen_random_uuid(), 'UPLOADED') returning id)
        insert into jobs (id, video_id, state, version, created_at, started_at, finished_at)
        select gen_random_uuid(), video.id, $1, n, born, born + make_interval(secs => nullif($3, 0)), born + make_interval(secs => nullif($3, 0)) + make_interval(secs => nullif($4, 0))
        from video, generate_series(1, $2) n, (select now() - make_interval(hours => $5 + 2) as born) times returning 1
        """, _ => 0, Ct, state, count, startedAfter ?? 0, endedAfter ?? 0, hoursAgo);

    private async Task EndedAsync(int completed, int failed)
    {
        await JobsAsync("completed", completed, startedAfter: 1, endedAfter: 1);
        await JobsAsync("failed", failed, startedAfter: 1, endedAfter: 1);
    }

    private async Task DeadLettersAsync(int count) => await _store.QueryAsync(
        """
        with video as (insert into videos (id, state) values (gen_random_uuid(), 'FAILED') returning id),
        job as (insert into jobs (id, video_id, state, version) select gen_random_uuid(), id, 'cancelled', 1 from video returning id, video_id),
        failed as (
            insert into tasks (id, job_id, video_id, kind, ordinal, state, priority, job_sequence)
            select gen_random_uuid(), job.id, job.video_id, 'chunk', n, 'failed', 5, 1 from job, generate_series(1, $1) n returning id, job_id, video_id)
        insert into dead_letters (id, task_id, job_id, video_id, category, reason, attempts) select gen_random_uuid(), id, job_id, video_id, 'crash', 'a test', 6 from failed returning 1
        """, _ => 0, Ct, count);

    private async Task WorkersAsync(int healthy, int silent, int silentMinutes = 1)
    {
        var known = await _store.ScalarAsync<long>("select count(*) from workers", Ct);
        for (var i = 0; i < healthy; i++)
        {
            await _store.Get<WorkerRegistry>().BeatAsync($"worker-{known + i}", Guid.NewGuid(), 1, 0, [], Ct);
        }

        await _store.QueryAsync(
            "insert into workers (id, instance, slots, last_seen) select 'worker-' || $1 + n - 1, gen_random_uuid(), 1, now() - make_interval(mins => $3) from generate_series(1, $2) n returning 1", _ => 0, Ct,
            (int)known + healthy, silent, silentMinutes);
    }

    private sealed class Lines : ILogger<PlatformSampler>
    {
        private readonly ConcurrentQueue<string> _lines = new();

        public IEnumerable<string> All => _lines;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) => _lines.Enqueue(formatter(state, exception));
    }
}
