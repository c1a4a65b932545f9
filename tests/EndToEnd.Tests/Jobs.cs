using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Seed 004's jobs on the whole platform: real ffmpeg, real workers, through the gateway.</summary>
public sealed class Jobs(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(4);

    /// <summary>What the issue allows a pause or a cancel.</summary>
    private static readonly TimeSpan _stopsWithin = TimeSpan.FromSeconds(5);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("mp4", "libx264", "video/mp4")]
    [InlineData("webm", "libvpx-vp9", "video/webm")]
    [InlineData("mkv", "libx265", "video/x-matroska")]
    [InlineData("hls", "libsvtav1", "application/vnd.apple.mpegurl")]
    public async Task A_job_makes_what_was_asked_for_and_only_its_owner_downloads_it(string format, string codec, string contentType)
    {
        using var account = await Account.NewAsync(platform, Ct);
        var video = await account.UploadAsync(await Clips.ShortAsync(), Ct);
        var job = await account.PostAsync($"/api/v1/videos/{video}/transcode", new { resolution = "240p", output_format = format, codec, priority = 0 }, Ct);
        Assert.Equal((video, 0, "transcode"), (job.GetProperty("video_id").GetGuid(), job.GetProperty("priority").GetInt32(), job.GetProperty("kind").GetString()));
        var done = await EndAsync(account, job.GetProperty("id").GetGuid());
        Assert.Equal(("completed", 100), (done.GetProperty("status").GetString(), done.GetProperty("progress").GetDouble()));

        var output = done.GetProperty("output");
        Assert.Equal((contentType, 320, 180), (output.GetProperty("content_type").GetString(), output.GetProperty("width").GetInt32(), output.GetProperty("height").GetInt32()));
        var url = output.GetProperty("url").GetString()!;
        await CheckDownloadAsync(account, url, output.GetProperty("sha256").GetString()!, contentType);
        await CheckDecodesAsync(account, url);

        using var stranger = await Account.NewAsync(platform, Ct);
        using var refused = await stranger.Http.GetAsync(url, Ct);
        await refused.ProblemAsync(404, "unknown-job", Ct);
        using var anonymous = await platform.Http.GetAsync(url, Ct);
        await anonymous.ProblemAsync(401, "unauthorized", Ct);
    }

    [Fact]
    public async Task A_paused_job_stops_its_processes_within_5_s_and_goes_on_behind_its_finished_chunks()
    {
        using var account = await Account.NewAsync(platform, Ct);
        var id = await LongJobAsync(account);
        await Poll.UntilAsync(() => CompletedAsync(id), done => done >= 3, _within, "some finished chunks"); // the plan and two more
        await Poll.UntilAsync(() => JustBegunAsync(id), begun => begun > 0, _within, "a chunk that is far from its end");
        await account.PostAsync($"/api/v1/jobs/{id}/pause", null, Ct);
        await Poll.UntilAsync(async () => MediaProcesses.Of(platform).Length + await LeasedAsync(id), running => running == 0, _stopsWithin, "no process and no run of a paused job");
        var finished = await CompletedAsync(id);
        Assert.Equal("paused", (await account.GetAsync($"/api/v1/jobs/{id}", Ct)).GetProperty("status").GetString());
        using var again = await account.Http.PostAsync($"/api/v1/jobs/{id}/resume", null, Ct);
        Assert.Equal("Job resumed", (await again.JsonAsync(Ct)).GetProperty("message").GetString());

        var values = new List<double>();
        var done = await EndAsync(account, id, values.Add);
        Assert.Equal("completed", done.GetProperty("status").GetString());
        Assert.True(values.Distinct().Count() > 3, $"progress was seen as {string.Join(", ", values.Distinct())}");

        // Each task was completed once, and those that were finished before the pause have no run behind it.
        var runs = await platform.Store.QueryAsync(
            "select r.outcome from task_runs r join tasks t on t.id = r.task_id where t.job_id = $1 order by r.started_at", row => row.GetString(0), Ct, id);
        var tasks = await platform.Store.ScalarAsync<long>("select count(*) from tasks where job_id = $1", Ct, id);
        Assert.Equal(tasks, runs.Count(outcome => outcome == "Completed"));
        Assert.True(finished >= 3);
        Assert.InRange(runs.Count(outcome => outcome == "Preempted"), 1, 2); // one for each worker that was stopped
        Assert.All(runs, outcome => Assert.True(outcome is "Completed" or "Preempted", outcome));
    }

    [Fact]
    public async Task A_cancelled_job_stops_within_5_s_and_leaves_nothing_and_its_video_plays_on()
    {
        using var account = await Account.NewAsync(platform, Ct);
        var id = await LongJobAsync(account);
        await Poll.UntilAsync(() => CompletedAsync(id), done => done >= 2, _within, "a finished chunk");
        var video = (await account.GetAsync($"/api/v1/jobs/{id}", Ct)).GetProperty("video_id").GetGuid();
        await account.PostAsync($"/api/v1/jobs/{id}/cancel", null, Ct);
        await Poll.UntilAsync(() => Task.FromResult(MediaProcesses.Of(platform).Length), running => running == 0, _stopsWithin, "no process of a cancelled job");
        await Poll.UntilAsync(
            () => platform.Store.Get<ObjectStore>().ListAsync($"{ObjectKeys.Outputs(video)}v0/", Ct).CountAsync(Ct).AsTask(), left => left == 0, _within, "nothing of the cancelled job");
        Assert.Equal("cancelled", (await account.GetAsync($"/api/v1/jobs/{id}", Ct)).GetProperty("status").GetString());
        using var refused = await account.Http.PostAsync($"/api/v1/jobs/{id}/resume", null, Ct);
        var problem = await refused.ProblemAsync(409, "state-conflict", Ct);
        Assert.Equal(("cancelled", 0), (problem.GetProperty("state").GetString(), problem.GetProperty("allowed").GetArrayLength()));
        Assert.Equal("READY", await platform.EndStateAsync(video, TimeSpan.FromSeconds(5), Ct));
    }

    [Fact]
    public async Task A_job_that_always_fails_reaches_the_DLQ_after_its_run_and_five_retries_and_one_call_replays_it()
    {
        using var account = await Account.NewAsync(platform, Ct);
        var source = await Clips.ShortAsync();
        var video = await account.UploadAsync(source, Ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
        var objects = platform.Store.Get<ObjectStore>();
        await objects.DeleteAsync([ObjectKeys.Source(video)], Ct);
        await platform.RestartAsync("processing-worker", Ct); // they keep sources

        var id = (await account.PostAsync($"/api/v1/videos/{video}/transcode", new { }, Ct)).GetProperty("id").GetGuid();
        var failed = await EndAsync(account, id);
        Assert.Equal(("failed", "storage"), (failed.GetProperty("status").GetString(), failed.GetProperty("error").GetProperty("category").GetString()));
        var entries = (await account.GetAsync("/api/v1/dlq", Ct)).GetProperty("entries");
        var entry = Assert.Single(entries.EnumerateArray(), each => each.GetProperty("job_id").GetGuid() == id).GetProperty("id").GetGuid();
        var details = await account.GetAsync($"/api/v1/dlq/{entry}", Ct);
        Assert.Equal((6, "storage"), (details.GetProperty("attempts").GetInt32(), details.GetProperty("category").GetString()));
        Assert.Equal(JsonValueKind.String, details.GetProperty("stderr_tail").ValueKind);
        var waits = await platform.Store.QueryAsync(
            """
            select r.started_at - lag(r.ended_at) over (order by r.started_at) from task_runs r join tasks t on t.id = r.task_id where t.job_id = $1 order by r.started_at
            """, row => row.IsDBNull(0) ? 0 : row.GetFieldValue<TimeSpan>(0).TotalSeconds, Ct, id);
        Assert.Equal(6, waits.Count);
        Assert.Equal([1, 2, 4, 8, 16], waits.Skip(1).Select(wait => Math.Pow(2, Math.Round(Math.Log2(wait))))); // the scaled steps, on a busy machine

        using (var stranger = await Account.NewAsync(platform, Ct))
        {
            using var refused = await stranger.Http.PostAsync($"/api/v1/dlq/{entry}/retry", null, Ct);
            await refused.ProblemAsync(404, "unknown-dead-letter", Ct);
        }

        await PutSourceAsync(objects, video, source);
        await account.PostAsync($"/api/v1/dlq/{entry}/retry", null, Ct);
        Assert.Equal("completed", (await EndAsync(account, id)).GetProperty("status").GetString());
        using var twice = await account.Http.PostAsync($"/api/v1/dlq/{entry}/retry", null, Ct);
        await twice.ProblemAsync(404, "unknown-dead-letter", Ct);
    }

    [Fact]
    public async Task A_hundred_jobs_of_mixed_priority_on_one_worker_start_in_strict_priority_and_order()
    {
        using var account = await Account.NewAsync(platform, Ct);
        var tiny = await Sources.MakeAsync("tiny", "mp4", ["-f", "lavfi", "-i", "testsrc2=s=64x64:r=10:d=1", .. "-c:v libx264 -preset ultrafast -pix_fmt yuv420p".Split(' ')]);
        var video = await account.UploadAsync(await File.ReadAllBytesAsync(tiny, Ct), Ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
        var workers = Enumerable.Range(0, 2).Select(replica => platform.Pid($"processing-worker-{replica}")).ToList();
        List<(Guid Id, int Priority)> jobs = [];
        Random random = new(11);
        try
        {
            foreach (var worker in workers)
            {
                await Signals.SendAsync("STOP", worker); // none may start before all are there
            }

            while (jobs.Count < 100)
            {
                var priority = random.Next(0, 11);
                var job = await account.PostAsync($"/api/v1/videos/{video}/transcode", new { priority, preset = "ultrafast" }, Ct);
                Assert.Equal(priority, job.GetProperty("priority").GetInt32());
                jobs.Add((job.GetProperty("id").GetGuid(), priority));
            }

            await Signals.SendAsync("CONT", workers[0]);
            await Poll.UntilAsync(
                () => platform.Store.ScalarAsync<long>("select count(*) from jobs where video_id = $1 and kind = 'transcode' and state = 'completed'", Ct, video), done => done == 100, _within, "100 jobs");
        }
        finally
        {
            foreach (var worker in workers)
            {
                await Signals.SendAsync("CONT", worker);
            }
        }

        var started = await platform.Store.QueryAsync("select id from jobs where video_id = $1 and kind = 'transcode' order by started_at", row => row.GetGuid(0), Ct, video);
        Assert.Equal(jobs.OrderByDescending(job => job.Priority).Select(job => job.Id), started);
        await Poll.UntilAsync(async () => (await account.GetAsync("/api/v1/jobs?limit=1", Ct)).GetProperty("jobs")[0].GetProperty("status").GetString(), state => state == "completed", _within, "the list");
    }

    [Theory]
    [InlineData("""{"codec":"h264"}""", "libx264, libx265, libvpx-vp9, libsvtav1")]
    [InlineData("""{"output_format":"webm","codec":"libx264"}""", "libvpx-vp9, libsvtav1")]
    [InlineData("""{"output_format":"avi"}""", "mp4")]
    [InlineData("""{"resolution":"1081p"}""", "1080p")]
    [InlineData("""{"preset":"placebo"}""", "veryslow")]
    [InlineData("""{"priority":11}""", "10")]
    [InlineData("""{"priority":-1}""", "10")]
    [InlineData("""{"bitrate":1}""", "50000")]
    [InlineData("""{"depends_on":["x"]}""", "job ids")]
    [InlineData("""{"dependsOn":["00000000-0000-0000-0000-000000000000"]}""", "jobs of yours")]
    public async Task What_cannot_be_made_is_400_and_says_what_can(string body, string allowed)
    {
        var video = await Library.ReadyAsync(platform, Ct);
        using var refused = await platform.Admin.PostAsync($"/api/v1/videos/{video}/transcode", new StringContent(body, new MediaTypeHeaderValue("application/json")), Ct);
        Assert.Contains(allowed, (await refused.ProblemAsync(400, "invalid-field", Ct)).GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    private static async Task CheckDownloadAsync(Account account, string url, string sha256, string contentType)
    {
        using var whole = await account.Http.GetAsync(url, Ct);
        var content = await whole.Content.ReadAsByteArrayAsync(Ct);
        Assert.Equal((HttpStatusCode.OK, contentType, sha256), (whole.StatusCode, whole.Content.Headers.ContentType?.MediaType, Convert.ToHexStringLower(SHA256.HashData(content))));

        using HttpRequestMessage some = new(HttpMethod.Get, url) { Headers = { Range = new(100, 199) } };
        using var part = await account.Http.SendAsync(some, Ct);
        Assert.Equal((HttpStatusCode.PartialContent, $"bytes 100-199/{content.Length}"), (part.StatusCode, part.Content.Headers.ContentRange?.ToString()));
        Assert.Equal(content[100..200], await part.Content.ReadAsByteArrayAsync(Ct));

        using HttpRequestMessage beyond = new(HttpMethod.Get, url) { Headers = { Range = new(content.Length, null) } };
        using var refused = await account.Http.SendAsync(beyond, Ct);
        await refused.ProblemAsync(416, "range-not-satisfiable", Ct);

        using var head = await account.Http.SendAsync(new(HttpMethod.Head, url), Ct);
        Assert.Equal((HttpStatusCode.OK, content.Length), (head.StatusCode, (int)head.Content.Headers.ContentLength!));
        using HttpRequestMessage same = new(HttpMethod.Get, url) { Headers = { IfNoneMatch = { whole.Headers.ETag! } } };
        using var unchanged = await account.Http.SendAsync(same, Ct);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
    }

    /// <summary>As a player would take it: over HTTP, with the account's key.</summary>
    private async Task CheckDecodesAsync(Account account, string url)
    {
        Uri address = new(platform.Address("gateway"), url);
        var messages = await Tool.CheckedAsync("ffmpeg", "-nostdin", "-v", "warning", "-headers", $"X-API-Key: {account.ApiKey}\r\n", "-i", $"{address}", "-map", "0", "-f", "null", "-");
        Assert.Equal("", messages);
    }

    /// <summary>Some ten seconds of work on two workers, in many chunks.</summary>
    private async Task<Guid> LongJobAsync(Account account)
    {
        var source = await Sources.MakeAsync("long", "mp4", ["-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=40,noise=alls=20:allf=t", .. "-c:v libx264 -preset ultrafast -crf 28 -pix_fmt yuv420p".Split(' ')]);
        var video = await account.UploadAsync(await File.ReadAllBytesAsync(source, Ct), Ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
        return (await account.PostAsync($"/api/v1/videos/{video}/transcode", new { preset = "slower", bitrate = 1_500_000, priority = 10 }, Ct)).GetProperty("id").GetGuid();
    }

    private Task<long> CompletedAsync(Guid job) => platform.Store.ScalarAsync<long>("select count(*) from tasks where job_id = $1 and state = 'done'", Ct, job);

    private Task<long> LeasedAsync(Guid job) => platform.Store.ScalarAsync<long>("select count(*) from tasks where job_id = $1 and state = 'leased'", Ct, job);

    private Task<long> JustBegunAsync(Guid job) =>
        platform.Store.ScalarAsync<long>("select count(*) from tasks where job_id = $1 and state = 'leased' and started_at > now() - interval '1 second'", Ct, job);

    private static Task<JsonElement> EndAsync(Account account, Guid job, Action<double>? onProgress = null) => Poll.UntilAsync(
        async () =>
        {
            var now = await account.GetAsync($"/api/v1/jobs/{job}", Ct);
            onProgress?.Invoke(now.GetProperty("progress").GetDouble());
            return now;
        }, now => now.GetProperty("status").GetString() is "completed" or "failed" or "cancelled", _within, $"the end of job {job}");

    private static async Task PutSourceAsync(ObjectStore objects, Guid video, byte[] source)
    {
        var path = Path.Combine(Sources.NewFolder("source"), "source");
        await File.WriteAllBytesAsync(path, source, Ct);
        await objects.PutFileAsync(ObjectKeys.Source(video), path, "application/octet-stream", Ct);
    }
}
