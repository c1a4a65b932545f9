using System.Net;
using System.Security.Cryptography;
using Amazon.S3;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Seed 004's multipart protocol, at two replicas over one database.</summary>
public sealed class SessionTests(Servers servers) : IAsyncLifetime
{
    private const int Part = Limits.S3MinimumPartBytes;

    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private TestStore _store = null!;
    private UploadHost _first = null!;
    private UploadHost _second = null!;
    private SessionClient _client = null!;
    private SessionClient _other = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _first = await UploadHost.StartAsync(_store, Ct, ("Uploads:MaxBytes", $"{64 << 20}"));
        _second = await UploadHost.StartAsync(_store, Ct, ("Uploads:MaxBytes", $"{64 << 20}"));
        _client = await _first.AccountAsync(Ct);
        _other = _client.At(_second.Http.BaseAddress!);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        _other.Dispose();
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task A_session_is_answered_as_the_seed_says()
    {
        using var answer = await _client.InitiateAsync(new { filename = "C:\\films\\large.mp4", total_size = (2 * Part) + 1 });
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        var body = await SessionClient.JsonAsync(answer);
        Assert.Equal(("large.mp4", (2 * Part) + 1, Part, 3, "active"),
            (body.GetProperty("filename").GetString(), body.GetProperty("total_size").GetInt32(), body.GetProperty("part_size").GetInt32(), body.GetProperty("total_parts").GetInt32(), body.GetProperty("status").GetString()));
        Assert.InRange(body.GetProperty("expires_at").GetDateTimeOffset(), TimeProvider.System.GetUtcNow().AddHours(23.9), TimeProvider.System.GetUtcNow().AddHours(24.1));
    }

    [Theory]
    [InlineData("""{"filename":"a.mp4","total_size":0}""", 400, "invalid-field")]
    [InlineData("""{"filename":"a.mp4","total_size":-1}""", 400, "invalid-field")]
    [InlineData("""{"filename":"a.mp4"}""", 400, "invalid-field")]
    [InlineData("""{"total_size":1}""", 400, "invalid-field")]
    [InlineData("""{"filename":" \u0000/","total_size":1}""", 400, "invalid-field")]
    [InlineData("""{"filename":"a.mp4","total_size":"one"}""", 400, "malformed-body")]
    [InlineData("""{"filename":"a.mp4","total_size":99999999999999999999}""", 400, "malformed-body")]
    [InlineData("""[]""", 400, "malformed-body")]
    [InlineData("""{"filename":"a.mp4","total_size":67108865}""", 413, "too-large")]
    public async Task A_session_out_of_bounds_is_refused(string body, int status, string code)
    {
        using StringContent content = new(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
        using var answer = await _client.Http.PostAsync("/api/v1/uploads/initiate", content, Ct);
        await SessionClient.ProblemAsync(answer, status, code);
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from videos", Ct));
    }

    [Fact]
    public async Task Parts_grow_so_that_10000_are_enough_and_the_budget_counts_what_is_announced()
    {
        await using var host = await UploadHost.StartAsync(_store, Ct, ("Uploads:MaxBytes", $"{5L << 40}"), ("Uploads:BudgetBytes", $"{6L << 40}"), ("Uploads:MaxSessions", "3"), ("transcoder:chunkSize", $"{8 << 20}"));
        using var client = await host.AccountAsync(Ct);
        using var answer = await client.InitiateAsync(new { filename = "a.mp4", total_size = 5L << 40 });
        var body = await SessionClient.JsonAsync(answer);
        Assert.InRange(body.GetProperty("total_parts").GetInt32(), 9000, 10_000);
        Assert.True(body.GetProperty("total_parts").GetInt64() * body.GetProperty("part_size").GetInt64() >= 5L << 40);
        using var second = await client.InitiateAsync(new { filename = "a.mp4", total_size = 2L << 40 });
        await SessionClient.ProblemAsync(second, 507, "insufficient-storage");
        await client.OpenAsync(1);
        using var usual = await client.InitiateAsync(new { filename = "a.mp4", total_size = (8 << 20) + 1 });
        body = await SessionClient.JsonAsync(usual);
        Assert.Equal((8 << 20, 2), (body.GetProperty("part_size").GetInt32(), body.GetProperty("total_parts").GetInt32()));
        using var third = await client.InitiateAsync(new { filename = "a.mp4", total_size = 1 });
        await SessionClient.ProblemAsync(third, 429, "too-many-requests");
    }

    [Fact]
    public async Task Parts_come_in_any_order_at_any_replica_and_make_one_video()
    {
        var file = SessionClient.Random((3 * Part) + 1234);
        var id = await _client.OpenAsync(file.Length);
        await Task.WhenAll(_client.PartAsync(id, 4, file), _other.PartAsync(id, 1, file), _client.PartAsync(id, 3, file));
        using var early = await _client.CompleteAsync(id);
        var missing = await SessionClient.ProblemAsync(early, 409, "upload-incomplete");
        Assert.Equal("1 parts are missing: 2.", missing.GetProperty("detail").GetString());

        using var wrong = await _client.PutAsync(id, "2", SessionClient.Random(Part)); // replaced by the next one
        Assert.Equal(HttpStatusCode.OK, wrong.StatusCode);
        using var put = await _other.PutAsync(id, "2", SessionClient.PartOf(file, 2));
        var part = await SessionClient.JsonAsync(put);
        var md5 = Convert.ToHexStringLower(CryptographicOperations.HashData(HashAlgorithmName.MD5, SessionClient.PartOf(file, 2)));
        Assert.Equal((2, Part, md5, true), (part.GetProperty("part_number").GetInt32(), part.GetProperty("size").GetInt32(), part.GetProperty("etag").GetString(), part.GetProperty("uploaded").GetBoolean()));
        Assert.Equal($"\"{md5}\"", put.Headers.ETag!.Tag);

        using var status = await _other.GetAsync(id);
        var session = await SessionClient.JsonAsync(status);
        Assert.Equal(file.Length, session.GetProperty("uploaded_bytes").GetInt64());
        Assert.Equal([1, 2, 3, 4], session.GetProperty("parts").EnumerateArray().Select(each => each.GetProperty("part_number").GetInt32()));
        Assert.False(session.TryGetProperty("video_id", out _));

        var video = await VideoOfAsync(await _client.CompleteAsync(id));
        await SourceIsAsync(video, file);
        using var finished = await _other.GetAsync(id);
        session = await SessionClient.JsonAsync(finished);
        Assert.Equal(("completed", video), (session.GetProperty("status").GetString(), session.GetProperty("video_id").GetGuid()));
    }

    [Fact]
    public async Task Completing_at_two_replicas_at_once_and_again_makes_one_video_and_one_job()
    {
        var file = SessionClient.Random(1000);
        var id = await _client.OpenAsync(file.Length);
        await _client.PartAsync(id, 1, file);
        var videos = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i => await VideoOfAsync(await (i % 2 == 0 ? _client : _other).CompleteAsync(id))));
        Assert.Single(videos.Distinct());
        Assert.Equal(videos[0], await VideoOfAsync(await _other.CompleteAsync(id)));
        Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from videos", Ct));
        Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from jobs", Ct));
        await SourceIsAsync(videos[0], file);

        using var late = await _client.PutAsync(id, "1", file);
        await SessionClient.ProblemAsync(late, 409, "state-conflict");
        using var aborted = await _client.AbortAsync(id);
        var conflict = await SessionClient.ProblemAsync(aborted, 409, "state-conflict");
        Assert.Equal("UPLOADED", conflict.GetProperty("state").GetString());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("3")]
    [InlineData("-1")]
    [InlineData("one")]
    [InlineData("1.0")]
    [InlineData("99999999999")]
    public async Task A_part_s_number_lies_between_1_and_the_last(string number)
    {
        var id = await _client.OpenAsync(Part + 1);
        using var answer = await _client.PutAsync(id, number, SessionClient.Random(1));
        await SessionClient.ProblemAsync(answer, 400, "invalid-field");
    }

    [Theory]
    [InlineData("1", Part - 1)]
    [InlineData("1", Part + 1)]
    [InlineData("2", 0)]
    [InlineData("2", 2)]
    public async Task A_part_has_exactly_its_size_whether_it_says_so_or_not(string number, int bytes)
    {
        var id = await _client.OpenAsync(Part + 1);
        using var answer = await _client.PutAsync(id, number, SessionClient.Random(bytes));
        await SessionClient.ProblemAsync(answer, 400, "invalid-field");
        using var chunked = await _client.PutAsync(id, number, SessionClient.Random(bytes), ("Transfer-Encoding", "chunked"));
        await SessionClient.ProblemAsync(chunked, 400, "invalid-field");
        await NothingStoredAsync(id);
    }

    [Theory]
    [InlineData("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==", "digest-mismatch")]
    [InlineData("Content-MD5", "AAAA", "malformed-header")]
    [InlineData("Content-MD5", "not base64", "malformed-header")]
    [InlineData("Content-Digest", "sha-256=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:", "digest-mismatch")]
    [InlineData("Content-Digest", "sha-256=AAAA", "malformed-header")]
    public async Task A_part_that_is_not_what_its_digest_says_is_not_stored(string name, string value, string code)
    {
        var id = await _client.OpenAsync(1000);
        using var answer = await _client.PutAsync(id, "1", SessionClient.Random(1000), (name, value));
        await SessionClient.ProblemAsync(answer, 400, code);
        await NothingStoredAsync(id);
    }

    [Fact]
    public async Task Right_digests_are_accepted()
    {
        var file = SessionClient.Random(1000);
        var id = await _client.OpenAsync(file.Length);
        using var answer = await _client.PutAsync(id, "1", file, ("Content-MD5", Convert.ToBase64String(CryptographicOperations.HashData(HashAlgorithmName.MD5, file))),
            ("Content-Digest", $"sha-256=:{Convert.ToBase64String(SHA256.HashData(file))}:, sha-512=:{Convert.ToBase64String(SHA512.HashData(file))}:"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task An_upload_exists_for_its_owner_alone_and_nobody_else_learns_of_it()
    {
        using var stranger = await _second.AccountAsync(Ct);
        var id = await _client.OpenAsync(1000);
        await _client.PartAsync(id, 1, SessionClient.Random(1000));
        foreach (var request in (Func<Task<HttpResponseMessage>>[])[() => stranger.GetAsync(id), () => stranger.PutAsync(id, "1", SessionClient.Random(1000)), () => stranger.CompleteAsync(id), () => stranger.AbortAsync(id), () => stranger.GetAsync(Guid.NewGuid())])
        {
            using var refused = await request();
            await SessionClient.ProblemAsync(refused, 404, "unknown-upload");
        }

        using var nobody = await _first.Http.GetAsync($"/api/v1/uploads/{id}", Ct);
        await SessionClient.ProblemAsync(nobody, 401, "unauthorized");
        Assert.Empty(await ListAsync(stranger, ""));
    }

    [Fact]
    public async Task A_list_has_the_open_ones_newest_first_in_pages()
    {
        List<Guid> open = [];
        for (var i = 0; i < 3; i++)
        {
            open.Insert(0, await _client.OpenAsync(10));
        }

        await _client.PartAsync(open[0], 1, SessionClient.Random(10));
        using var completed = await _client.CompleteAsync(open[0]);
        open.RemoveAt(0);
        await _client.CreateAsync(10); // tus has its own
        open.Insert(0, await _client.OpenAsync(10));
        Assert.Equal(open[..2], await ListAsync(_client, "?limit=2"));
        Assert.Equal(open[2..], await ListAsync(_other, $"?limit=2&after={open[1]}"));
        using var refused = await _client.Http.GetAsync("/api/v1/uploads?limit=0", Ct);
        await SessionClient.ProblemAsync(refused, 400, "invalid-field");
    }

    [Fact]
    public async Task The_same_key_opens_one_session_also_at_two_replicas_at_once()
    {
        var key = Guid.NewGuid().ToString();
        var ids = await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            using var answer = await (i % 2 == 0 ? _client : _other).InitiateAsync(new { filename = "a.mp4", total_size = 10 }, key);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            return (await SessionClient.JsonAsync(answer)).GetProperty("id").GetGuid();
        }));
        Assert.Single(ids.Distinct());
        using var reused = await _client.InitiateAsync(new { filename = "a.mp4", total_size = 11 }, key);
        await SessionClient.ProblemAsync(reused, 422, "idempotency-reused");
        using var stranger = await _second.AccountAsync(Ct);
        using var another = await stranger.InitiateAsync(new { filename = "a.mp4", total_size = 10 }, key);
        Assert.NotEqual(ids[0], (await SessionClient.JsonAsync(another)).GetProperty("id").GetGuid());
        Assert.Equal(2, await _store.ScalarAsync<long>("select count(*) from videos", Ct));
    }

    [Fact]
    public async Task An_aborted_upload_is_gone_from_every_store()
    {
        var id = await _client.OpenAsync(Part + 1);
        await _client.PartAsync(id, 1, SessionClient.Random(Part + 1));
        using var aborted = await _other.AbortAsync(id);
        Assert.Equal(HttpStatusCode.NoContent, aborted.StatusCode);
        foreach (var request in (Func<Task<HttpResponseMessage>>[])[() => _client.AbortAsync(id), () => _client.GetAsync(id), () => _client.PutAsync(id, "2", [1]), () => _client.CompleteAsync(id)])
        {
            using var refused = await request();
            await SessionClient.ProblemAsync(refused, 404, "unknown-upload");
        }

        await NothingLeftAsync();
    }

    [Fact]
    public async Task An_expired_upload_is_unknown_at_once_and_gone_soon()
    {
        var id = await _client.OpenAsync(Part + 1);
        await _client.PartAsync(id, 1, SessionClient.Random(Part + 1));
        await ExpireAsync(id);
        using var refused = await _client.GetAsync(id);
        await SessionClient.ProblemAsync(refused, 404, "unknown-upload");
        await NothingLeftAsync();
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from upload_sessions", Ct));
    }

    [Fact]
    public async Task A_finished_session_is_forgotten_after_its_time_and_the_video_stays()
    {
        var id = await _client.OpenAsync(10);
        await _client.PartAsync(id, 1, SessionClient.Random(10));
        var video = await VideoOfAsync(await _client.CompleteAsync(id));
        await ExpireAsync(id);
        await Poll.UntilAsync(() => _store.ScalarAsync<long>("select count(*) from upload_sessions", Ct), left => left == 0, _within, "the session's end");
        Assert.NotNull(await _store.Get<VideoLibrary>().FindAsync(video, Ct));
    }

    [Fact]
    public async Task A_part_that_the_database_does_not_know_of_counts_and_one_that_the_store_lacks_does_not()
    {
        var file = SessionClient.Random(Part + 1);
        var id = await _client.OpenAsync(file.Length);
        await _client.PartAsync(id, 1, file);
        await _store.QueryAsync("insert into upload_parts (session_id, number, size, etag) values ($1, 2, 1, 'x') returning 1", _ => 0, Ct, id);
        using var early = await _client.CompleteAsync(id);
        await SessionClient.ProblemAsync(early, 409, "upload-incomplete");
        await _client.PartAsync(id, 2, file);
        await _store.QueryAsync("delete from upload_parts where session_id = $1", _ => 0, Ct, id);
        await SourceIsAsync(await VideoOfAsync(await _client.CompleteAsync(id)), file);
        Assert.Equal(2, await _store.ScalarAsync<long>("select count(*) from upload_parts where session_id = $1 and etag <> 'x'", Ct, id));
    }

    [Fact]
    public async Task Beyond_its_places_a_replica_takes_no_more_parts_and_a_client_that_stalls_gives_its_place_back()
    {
        await using var host = await UploadHost.StartAsync(_store, Ct, ("Uploads:MaxConcurrentParts", "1"));
        using var client = _client.At(host.Http.BaseAddress!);
        var id = await client.OpenAsync(1000);
        List<(StallingContent Body, Task Sending)> stalled = [];
        await Poll.UntilAsync(async () =>
        {
            // A quick part that was there first refuses the stalling one, whose client hears of it only when it has sent all; so another comes.
            StallingContent body = new(1000);
            stalled.Add((body, StallAsync(body)));
            await body.Sent.Task;
            using var busy = await client.PutAsync(id, "1", SessionClient.Random(1000));
            Assert.True(busy.StatusCode is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable);
            Assert.Equal(busy.StatusCode == HttpStatusCode.ServiceUnavailable, busy.Headers.RetryAfter is not null);
            return busy.StatusCode;
        }, status => status == HttpStatusCode.ServiceUnavailable, _within, "a full replica");
        await Poll.UntilAsync(async () =>
        {
            using var answer = await client.PutAsync(id, "1", SessionClient.Random(1000));
            return answer.StatusCode;
        }, status => status == HttpStatusCode.OK, _within, "the stalled client's place");
        foreach (var (body, sending) in stalled)
        {
            body.Dispose();
            await Assert.ThrowsAnyAsync<Exception>(() => sending);
        }

        async Task StallAsync(StallingContent content)
        {
            using HttpRequestMessage request = new(HttpMethod.Put, $"/api/v1/uploads/{id}/parts/1") { Content = content };
            using var answer = await client.Http.SendAsync(request, Ct);
            answer.EnsureSuccessStatusCode();
        }
    }

    private static async Task<Guid> VideoOfAsync(HttpResponseMessage completed)
    {
        using (completed)
        {
            Assert.True(completed.StatusCode == HttpStatusCode.OK, $"{completed.StatusCode}: {await completed.Content.ReadAsStringAsync(Ct)}");
            var body = await SessionClient.JsonAsync(completed);
            Assert.Equal(("a.mp4", "pending"), (body.GetProperty("filename").GetString(), body.GetProperty("status").GetString()));
            return body.GetProperty("id").GetGuid();
        }
    }

    private static async Task<List<Guid>> ListAsync(SessionClient client, string query)
    {
        using var answer = await client.Http.GetAsync($"/api/v1/uploads{query}", Ct);
        return [.. (await SessionClient.JsonAsync(answer)).GetProperty("uploads").EnumerateArray().Select(each => each.GetProperty("id").GetGuid())];
    }

    private async Task SourceIsAsync(Guid video, byte[] file)
    {
        await using var stored = await _store.Get<ObjectStore>().OpenReadAsync(ObjectKeys.Source(video), 0, Ct);
        Assert.Equal(SHA256.HashData(file), await SHA256.HashDataAsync(stored!, Ct));
    }

    private async Task NothingStoredAsync(Guid id)
    {
        var (video, s3Upload) = (await _store.QueryAsync(
            "select v.id, v.s3_upload_id from videos v join upload_sessions s on s.video_id = v.id where s.id = $1", row => (row.GetGuid(0), row.GetString(1)), Ct, id)).Single();
        Assert.Empty((await _store.Get<ObjectStore>().ListPartsAsync(ObjectKeys.Source(video), s3Upload, Ct))!);
        using var status = await _client.GetAsync(id);
        Assert.Empty((await SessionClient.JsonAsync(status)).GetProperty("parts").EnumerateArray());
    }

    private Task<List<int>> ExpireAsync(Guid id) => _store.QueryAsync(
        "with s as (update upload_sessions set expires_at = now() - interval '1 s' where id = $1 returning video_id) update videos set upload_lease = now() - interval '1 s' from s where id = s.video_id and upload_lease is not null returning 1",
        row => row.GetInt32(0), Ct, id);

    private async Task NothingLeftAsync() => await Poll.UntilAsync(async () =>
    {
        var s3 = _store.Get<IAmazonS3>();
        var bucket = _store.Get<Bucket>().Name;
        var uploads = await s3.ListMultipartUploadsAsync(new Amazon.S3.Model.ListMultipartUploadsRequest { BucketName = bucket }, Ct);
        var objects = await s3.ListObjectsV2Async(new Amazon.S3.Model.ListObjectsV2Request { BucketName = bucket }, Ct);
        return (await _store.ScalarAsync<long>("select count(*) from videos", Ct), uploads.MultipartUploads?.Count ?? 0, objects.S3Objects?.Count ?? 0);
    }, left => left == (0, 0, 0), _within, "nothing left");

    /// <summary>Says how much it sends, sends half of it, and then nothing until it is disposed.</summary>
    private sealed class StallingContent(long bytes) : HttpContent
    {
        private readonly TaskCompletionSource _end = new();

        public TaskCompletionSource Sent { get; } = new();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[bytes / 2], Ct);
            await stream.FlushAsync(Ct);
            Sent.TrySetResult();
            await _end.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = bytes;
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            _end.TrySetException(new IOException("It never came."));
            base.Dispose(disposing);
        }
    }
}
