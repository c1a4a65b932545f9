using System.Net;
using System.Text.Json;
using Lifecycle.Contracts.Chunks;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Store.Chunks;
using Lifecycle.Store.Tasks;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Seed 002's uploader: <c>POST /upload</c> with <c>video</c> and <c>title</c>, and how far it is.</summary>
public sealed class ChunkUploadTests(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;
    private UploadHost _host = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _host = await UploadHost.StartAsync(_store, Ct);
    }

    public async ValueTask DisposeAsync()
    {
        await _host.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_upload_is_answered_in_the_seed_s_words_wherever_the_title_stands(bool titleFirst)
    {
        using var answer = await _host.Http.PostAsync("/upload", Form("film.MKV", "My Video", titleFirst: titleFirst), Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var body = await answer.JsonAsync(Ct);
        Assert.Equal(["video_id", "upload_session_id", "title", "status", "message", "status_url"], Names(body));
        Assert.Equal(("My Video", "processing"), (body.GetProperty("title").GetString(), body.GetProperty("status").GetString()));

        using var status = await _host.Http.GetAsync(body.GetProperty("status_url").GetString(), Ct);
        Assert.Equal((HttpStatusCode.OK, "no-store"), (status.StatusCode, $"{status.Headers.CacheControl}"));
        var seen = await status.JsonAsync(Ct);
        Assert.Equal(["video_id", "title", "filename", "status", "progress", "started_at", "total_chunks", "error"], Names(seen));
        Assert.Equal(("film.MKV", "processing", 10), (seen.GetProperty("filename").GetString(), seen.GetProperty("status").GetString(), seen.GetProperty("progress").GetInt32()));
        Assert.Equal((JsonValueKind.Null, JsonValueKind.Null), (seen.GetProperty("total_chunks").ValueKind, seen.GetProperty("error").ValueKind));
        var video = body.GetProperty("video_id").GetGuid();
        Assert.Equal(["distribute", "ingest"], (await _store.QueryAsync("select kind from jobs where video_id = $1 order by kind", row => row.GetString(0), Ct, video)));
    }

    [Theory]
    [InlineData("film.txt", "My Video", "unsupported-format")]
    [InlineData("film", "My Video", "unsupported-format")]
    [InlineData("film.mp4", null, "no-title")]
    [InlineData("film.mp4", "  ", "no-title")]
    [InlineData("film.mp4", "a\0b", "no-title")]
    [InlineData("..", "My Video", "unsupported-format")]
    [InlineData("film.mp4/", "My Video", "unsupported-format")]
    public async Task What_is_missing_or_of_another_kind_is_400_with_a_detail_and_leaves_nothing(string file, string? title, string code)
    {
        using var answer = await _host.Http.PostAsync("/upload", Form(file, title), Ct);
        await answer.ProblemAsync(400, code, Ct);
        var problem = await answer.JsonAsync(Ct);
        Assert.Equal(problem.GetProperty("title").GetString(), problem.GetProperty("detail").GetString());
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from chunk_uploads", Ct));
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from videos where state <> 'ABORTING'", Ct));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_title_of_ten_megabytes_is_400_wherever_it_stands(bool titleFirst)
    {
        using var answer = await _host.Http.PostAsync("/upload", Form("film.mp4", new string('t', 10 << 20), titleFirst), Ct);
        Assert.Contains((int)answer.StatusCode, (int[])[400, 413]); // by the title's length, or by what a form may have beside its file
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from videos where state <> 'ABORTING'", Ct));
    }

    [Fact]
    public async Task Of_two_titles_the_first_counts_and_of_a_path_the_last_name()
    {
        using var form = Form("../../etc/film.mp4", "First");
        form.Add(new StringContent("Second"), "title");
        using var answer = await _host.Http.PostAsync("/upload", form, Ct);
        var body = await answer.JsonAsync(Ct);
        Assert.Equal("First", body.GetProperty("title").GetString());
        using var status = await _host.Http.GetAsync(body.GetProperty("status_url").GetString(), Ct);
        Assert.Equal("film.mp4", (await status.JsonAsync(Ct)).GetProperty("filename").GetString());
    }

    [Theory]
    [InlineData("multipart/form-data")]
    [InlineData("multipart/form-data; boundary=")]
    [InlineData("multipart/mixed; boundary=x")]
    [InlineData("text/plain")]
    public async Task A_body_that_is_no_form_is_400(string type)
    {
        using ByteArrayContent content = new("--x\r\n"u8.ToArray());
        content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var answer = await _host.Http.PostAsync("/upload", content, Ct);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
    }

    [Fact]
    public async Task A_plan_that_has_done_all_work_lets_the_last_task_begin()
    {
        using var answer = await _host.Http.PostAsync("/upload", Form("film.mp4", "My Video"), Ct);
        await ExecuteAsync("update jobs set state = 'cancelled' where kind = 'ingest' and video_id = $1", (await answer.JsonAsync(Ct)).GetProperty("video_id").GetGuid());
        var job = await _store.ScalarAsync<Guid>("select id from jobs where kind = 'distribute'", Ct);
        var plan = await _store.ScalarAsync<Guid>("select id from tasks where job_id = $1", Ct, job);
        var video = await _store.ScalarAsync<Guid>("select video_id from jobs where id = $1", Ct, job);
        await ExecuteAsync("update jobs set state = 'processing' where id = $1", job);
        await ExecuteAsync("update tasks set state = 'leased', lease_token = 7, lease_until = now() + interval '1 min' where id = $1", plan);
        ClaimedTask claimed = new(plan, job, video, TaskKind.Plan, Ordinal: 0, Attempt: 1, Version: 0, LeaseToken: 7, null, JobKind.Distribute, Slots: 1);
        Assert.Equal(RunEnd.Committed, await _store.Get<TaskOutcomes>().CompletePlanAsync(claimed, "{}", new PlannedWork([], Audio: null), Ct));
        Assert.Equal(["finalize runnable", "plan done"], await _store.QueryAsync("select kind || ' ' || state from tasks where job_id = $1 order by kind", row => row.GetString(0), Ct, job));
    }

    [Fact]
    public async Task An_upload_may_have_the_id_that_was_given_out_for_it_once()
    {
        var id = Guid.NewGuid();
        using var answer = await _host.Http.PostAsync($"/upload/{id}", Form("film.mp4", "My Video"), Ct);
        Assert.Equal((HttpStatusCode.OK, id), (answer.StatusCode, (await answer.JsonAsync(Ct)).GetProperty("video_id").GetGuid()));
        using var again = await _host.Http.PostAsync($"/upload/{id}", Form("film.mp4", "My Video"), Ct);
        await again.ProblemAsync(409, "video-taken", Ct);
        using var odd = await _host.Http.PostAsync("/upload/nobody", Form("film.mp4", "My Video"), Ct);
        await odd.ProblemAsync(404, "unknown-video", Ct);
    }

    [Fact]
    public async Task Two_uploads_under_one_id_in_the_same_moment_are_one_and_a_409()
    {
        var id = Guid.NewGuid();
        var answers = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => _host.Http.PostAsync($"/upload/{id}", Form("film.mp4", "My Video"), Ct)));
        Assert.Equal([200, 409, 409, 409], answers.Select(answer => (int)answer.StatusCode).Order());
        foreach (var answer in answers)
        {
            answer.Dispose();
        }
    }

    [Fact]
    public async Task Phases_and_percent_follow_the_job_and_the_distribution()
    {
        var uploads = _store.Get<ChunkUploads>();
        using var answer = await _host.Http.PostAsync("/upload", Form("film.mp4", "My Video"), Ct);
        var session = (await answer.JsonAsync(Ct)).GetProperty("upload_session_id").GetGuid();
        var job = await _store.ScalarAsync<Guid>("select id from jobs where kind = 'distribute'", Ct);
        await ExecuteAsync("update jobs set state = 'processing' where id = $1", job);
        await PhaseIsAsync("processing", 20);
        await ExecuteAsync("update tasks set state = 'done', progress = 1 where job_id = $1", job);
        await PhaseIsAsync("chunking", 20);

        var task = await _store.ScalarAsync<Guid>("select id from tasks where job_id = $1", Ct, job);
        await ExecuteAsync("update tasks set state = 'leased', lease_token = 7, lease_until = now() + interval '1 min' where id = $1", task);
        var upload = (await uploads.FindAsync(session, Ct))!;
        ClaimedTask claimed = new(task, job, upload.VideoId, TaskKind.Finalize, Ordinal: 2, Attempt: 1, Version: 0, LeaseToken: 7, null, JobKind.Distribute, Slots: 1);
        await uploads.NoteAsync(claimed, UploadPhase.UploadingChunks, 4, 2, Ct);
        await PhaseIsAsync("uploading_chunks", 70);
        await uploads.NoteAsync(claimed, UploadPhase.UploadingChunks, 4, 1, Ct);
        await PhaseIsAsync("uploading_chunks", 70);
        await uploads.NoteAsync(claimed with { LeaseToken = 6 }, UploadPhase.Finalizing, 4, 4, Ct);
        await PhaseIsAsync("uploading_chunks", 70);

        await ExecuteAsync("update jobs set state = 'failed', failure_category = 'storage', failure_reason = 'No nodes.' where id = $1", job);
        upload = await uploads.FindAsync(session, Ct);
        Assert.Equal((UploadPhase.Failed, 70, "No nodes."), (upload!.Phase, upload.Percent, upload.Error));
        await ExecuteAsync("update jobs set state = 'completed', failure_reason = null where id = $1", job);
        await PhaseIsAsync("completed", 100);

        async Task PhaseIsAsync(string phase, int percent)
        {
            var now = await uploads.FindAsync(session, Ct);
            Assert.Equal((phase, percent), (UploadPhases.NameOf(now!.Phase), now.Percent));
        }
    }

    [Fact]
    public async Task A_session_that_is_none_is_404()
    {
        foreach (var id in (string[])[$"{Guid.NewGuid()}", "nobody"])
        {
            using var answer = await _host.Http.GetAsync($"/upload/status/{id}", Ct);
            await answer.ProblemAsync(404, "unknown-upload", Ct);
        }
    }

    [Fact]
    public async Task The_uploader_s_health_counts_what_is_under_way()
    {
        using var upload = await _host.Http.PostAsync("/upload", Form("film.mp4", "My Video"), Ct);
        using var answer = await _host.Http.GetAsync("/upload/health", Ct);
        Assert.Equal("""{"status":"healthy","service":"uploader-service","active_uploads":1}""", await answer.Content.ReadAsStringAsync(Ct));
    }

    private async Task ExecuteAsync(string sql, Guid id) => await _store.QueryAsync($"{sql} returning 1", _ => 0, Ct, id);

    private static IEnumerable<string> Names(JsonElement body) => body.EnumerateObject().Select(property => property.Name);

    private static MultipartFormDataContent Form(string file, string? title, bool titleFirst = true)
    {
        MultipartFormDataContent form = [];
        if (title is not null && titleFirst)
        {
            form.Add(new StringContent(title), "title");
        }

        form.Add(new ByteArrayContent("film"u8.ToArray()), "video", file);
        if (title is not null && !titleFirst)
        {
            form.Add(new StringContent(title), "title");
        }

        return form;
    }
}
