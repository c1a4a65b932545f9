using System.Net;
using System.Security.Cryptography;
using System.Text;
using Amazon.S3;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>tus 1.0, rule by rule, in requests of the test's own hand.</summary>
public sealed class TusTests(Servers servers) : IAsyncLifetime
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
    public async Task OPTIONS_tells_anybody_what_there_is_and_browsers_that_they_may()
    {
        using HttpRequestMessage request = new(HttpMethod.Options, "/files") { Headers = { { "Origin", "https://example.com" }, { "Access-Control-Request-Method", "POST" } } };
        using var answer = await _first.Http.SendAsync(request, Ct);
        Assert.Equal(HttpStatusCode.NoContent, answer.StatusCode);
        Assert.Equal(("1.0.0", "1.0.0", $"{64 << 20}", "creation,creation-with-upload,expiration,checksum,termination,concatenation", "md5,sha1,sha256"),
            (Header(answer, "Tus-Resumable"), Header(answer, "Tus-Version"), Header(answer, "Tus-Max-Size"), Header(answer, "Tus-Extension"), Header(answer, "Tus-Checksum-Algorithm")));
        Assert.Equal("*", Header(answer, "Access-Control-Allow-Origin"));
        Assert.Contains("POST", Header(answer, "Access-Control-Allow-Methods"), StringComparison.Ordinal);
        Assert.Contains("Upload-Length", Header(answer, "Access-Control-Allow-Headers"), StringComparison.Ordinal);
        Assert.Contains("Location", Header(answer, "Access-Control-Expose-Headers"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_version_is_412_and_names_ours_and_every_answer_names_its_version()
    {
        using var other = await _client.TusAsync("POST", "/files", null, ("Tus-Resumable", "0.2.2"), ("Upload-Length", "1"));
        await SessionClient.ProblemAsync(other, 412, "precondition-failed");
        Assert.Equal(("1.0.0", "1.0.0"), (Header(other, "Tus-Version"), Header(other, "Tus-Resumable")));
        using var none = await _client.Http.PostAsync("/files", null, Ct);
        Assert.Equal(HttpStatusCode.PreconditionFailed, none.StatusCode);
        using var get = await _client.TusAsync("GET", "/files", null);
        await SessionClient.ProblemAsync(get, 405, "method-not-allowed");
        Assert.Equal("OPTIONS, POST", string.Join(", ", get.Content.Headers.Allow));
        Assert.Equal("1.0.0", Header(get, "Tus-Resumable"));
    }

    [Fact]
    public async Task Without_an_account_it_is_401_and_another_s_upload_is_404()
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/files") { Headers = { { "Tus-Resumable", "1.0.0" }, { "Upload-Length", "1" } } };
        using var nobody = await _first.Http.SendAsync(request, Ct);
        await SessionClient.ProblemAsync(nobody, 401, "unauthorized");
        Assert.Equal("*", Header(nobody, "Access-Control-Allow-Origin"));
        var path = await _client.CreateAsync(10);
        using var stranger = await _second.AccountAsync(Ct);
        foreach (var method in (string[])["HEAD", "PATCH", "DELETE"])
        {
            using var refused = await stranger.TusAsync(method, path, null);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }

        using var unknown = await _client.TusAsync("HEAD", "/files/nothing", null);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        var session = await _client.OpenAsync(10);
        using var ofParts = await _client.TusAsync("HEAD", $"/files/{session}", null); // each protocol has its own
        Assert.Equal(HttpStatusCode.NotFound, ofParts.StatusCode);
        using var ofTus = await _client.GetAsync(Guid.Parse(path["/files/".Length..]));
        Assert.Equal(HttpStatusCode.NotFound, ofTus.StatusCode);
    }

    [Theory]
    [InlineData("Upload-Length", "", 400, "malformed-header")]
    [InlineData("Upload-Length", "-1", 400, "malformed-header")]
    [InlineData("Upload-Length", "ten", 400, "malformed-header")]
    [InlineData("Upload-Length", "0", 400, "empty-file")]
    [InlineData("Upload-Length", "67108865", 413, "too-large")]
    [InlineData("Upload-Defer-Length", "1", 400, "malformed-header")]
    [InlineData("Upload-Metadata", "filename", 201, "")]
    [InlineData("Upload-Metadata", "filename YQ==,is_confidential,name Yg==", 201, "")]
    [InlineData("Upload-Metadata", "filename not/base64!", 400, "malformed-header")]
    [InlineData("Upload-Metadata", "filename YQ==,filename YQ==", 400, "malformed-header")]
    [InlineData("Upload-Metadata", "filename YQ== YQ==", 400, "malformed-header")]
    [InlineData("Upload-Metadata", ",", 400, "malformed-header")]
    [InlineData("Upload-Concat", "both", 400, "malformed-header")]
    [InlineData("Upload-Concat", "final;", 400, "malformed-header")]
    [InlineData("Upload-Concat", "final;/elsewhere/1", 400, "malformed-header")]
    [InlineData("Upload-Concat", "final;/files/0197a000-0000-7000-8000-000000000000", 400, "malformed-header")]
    [InlineData("Upload-Checksum", "crc32 AAAA", 400, "malformed-header")]
    [InlineData("Upload-Checksum", "sha1 AAAA", 400, "malformed-header")]
    public async Task A_creation_s_headers_are_read_strictly(string name, string value, int status, string code)
    {
        using var answer = await _client.TusAsync("POST", "/files", null, ("Upload-Length", "10"), (name, value));
        if (status == 201)
        {
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            return;
        }

        await SessionClient.ProblemAsync(answer, status, code);
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from videos", Ct));
    }

    [Fact]
    public async Task An_upload_goes_from_creation_over_pieces_of_any_size_and_both_replicas_to_a_video()
    {
        var file = SessionClient.Random((2 * Part) + 777);
        var metadata = $"filename {Convert.ToBase64String(Encoding.UTF8.GetBytes("Füchse.mp4"))},filetype dmlkZW8vbXA0";
        using var created = await _client.TusAsync("POST", "/files", null, ("Upload-Length", $"{file.Length}"), ("Upload-Metadata", metadata));
        Assert.Equal(HttpStatusCode.Created, created.StatusCode);
        var path = created.Headers.Location!.OriginalString;
        Assert.StartsWith("/files/", path, StringComparison.Ordinal);
        Assert.True(DateTimeOffset.Parse(Header(created, "Upload-Expires")!) > TimeProvider.System.GetUtcNow().AddHours(23));
        var video = Guid.Parse(Header(created, "X-Video-Id")!);

        var offset = 0;
        foreach (var bytes in (int[])[1, 0, 1000, Part, 3, Part - 500, 776])
        {
            if (offset + bytes > file.Length)
            {
                break;
            }

            var client = offset % 2 == 0 ? _client : _other;
            using var patched = await client.PatchAsync(path, offset, file[offset..(offset + bytes)]);
            Assert.Equal(HttpStatusCode.NoContent, patched.StatusCode);
            offset += bytes;
            Assert.Equal(($"{offset}", "1.0.0"), (Header(patched, "Upload-Offset"), Header(patched, "Tus-Resumable")));
            using var head = await _other.TusAsync("HEAD", path, null);
            Assert.Equal(($"{offset}", $"{file.Length}", metadata, "no-store"), (Header(head, "Upload-Offset"), Header(head, "Upload-Length"), Header(head, "Upload-Metadata"), Header(head, "Cache-Control")));
            Assert.NotNull(Header(head, "Upload-Expires"));
        }

        Assert.Equal(1, (await ObjectsAsync(video)).Count(key => key.StartsWith(ObjectKeys.Video(video) + "tail/", StringComparison.Ordinal)));
        using var last = await _other.PatchAsync(path, offset, file[offset..]);
        Assert.Equal((HttpStatusCode.NoContent, $"{file.Length}", $"{video}"), (last.StatusCode, Header(last, "Upload-Offset"), Header(last, "X-Video-Id")));
        Assert.Null(Header(last, "Upload-Expires"));
        Assert.Equal(("UPLOADED", "Füchse.mp4"), (await _store.QueryAsync("select state, file_name from videos where id = $1", row => (row.GetString(0), row.GetString(1)), Ct, video)).Single());
        await SourceIsAsync(video, file);
        Assert.Equal([ObjectKeys.Source(video)], await ObjectsAsync(video));
        Assert.Equal(file.Length, await _client.OffsetAsync(path));
        using var again = await _client.PatchAsync(path, file.Length, []);
        Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
        using var terminated = await _client.TusAsync("DELETE", path, null);
        await SessionClient.ProblemAsync(terminated, 409, "state-conflict");
    }

    [Fact]
    public async Task A_creation_may_bring_the_first_bytes_or_all_of_them()
    {
        var file = SessionClient.Random(2000);
        using var half = await CreateWithAsync(file.Length, file[..1000]);
        Assert.Equal((HttpStatusCode.Created, "1000"), (half.StatusCode, Header(half, "Upload-Offset")));
        Assert.Equal(1000, await _other.OffsetAsync(half.Headers.Location!.OriginalString));
        using var whole = await CreateWithAsync(file.Length, file);
        Assert.Equal((HttpStatusCode.Created, "2000"), (whole.StatusCode, Header(whole, "Upload-Offset")));
        await SourceIsAsync(Guid.Parse(Header(whole, "X-Video-Id")!), file);

        using ByteArrayContent body = new(file);
        body.Headers.ContentType = new("text/plain");
        using var refused = await _client.TusAsync("POST", "/files", body, ("Upload-Length", "2000"));
        await SessionClient.ProblemAsync(refused, 415, "unsupported-media-type");
    }

    [Fact]
    public async Task A_PATCH_needs_its_type_and_the_offset_and_no_more_than_the_rest()
    {
        var path = await _client.CreateAsync(10);
        using StringContent text = new("abc");
        using var type = await _client.TusAsync("PATCH", path, text, ("Upload-Offset", "0"));
        await SessionClient.ProblemAsync(type, 415, "unsupported-media-type");
        using var before = await _client.PatchAsync(path, 1, [1]);
        await SessionClient.ProblemAsync(before, 409, "offset-conflict");
        foreach (var offset in (string[])["-1", "x", ""])
        {
            using ByteArrayContent body = new([1]);
            body.Headers.ContentType = new("application/offset+octet-stream");
            using var bad = await _client.TusAsync("PATCH", path, body, ("Upload-Offset", offset));
            await SessionClient.ProblemAsync(bad, 400, "malformed-header");
        }

        using var much = await _client.PatchAsync(path, 0, new byte[11]);
        await SessionClient.ProblemAsync(much, 413, "too-large");
        using var chunked = await _client.PatchAsync(path, 0, new byte[11], ("Transfer-Encoding", "chunked"));
        await SessionClient.ProblemAsync(chunked, 413, "too-large");
        Assert.Equal(0, await _client.OffsetAsync(path));
    }

    [Theory]
    [InlineData("md5")]
    [InlineData("sha1")]
    [InlineData("sha256")]
    public async Task A_PATCH_that_is_not_what_its_checksum_says_is_460_and_nothing_of_it_counts(string algorithm)
    {
        var file = SessionClient.Random(Part + 1000);
        var path = await _client.CreateAsync(file.Length);
        using var first = await _client.PatchAsync(path, 0, file[..10], ("Upload-Checksum", Checksum(algorithm, file[..10])));
        Assert.Equal(HttpStatusCode.NoContent, first.StatusCode);
        var wrong = (byte[])[.. file[10..^1], (byte)(file[^1] + 1)];
        using var refused = await _client.PatchAsync(path, 10, wrong, ("Upload-Checksum", Checksum(algorithm, file[10..])));
        await SessionClient.ProblemAsync(refused, 460, "checksum-mismatch");
        Assert.Equal(10, await _other.OffsetAsync(path));
        using var chunked = await _client.PatchAsync(path, 10, wrong, ("Upload-Checksum", Checksum(algorithm, file[10..])), ("Transfer-Encoding", "chunked"));
        await SessionClient.ProblemAsync(chunked, 460, "checksum-mismatch");
        using var right = await _other.PatchAsync(path, 10, file[10..], ("Upload-Checksum", Checksum(algorithm, file[10..])));
        Assert.Equal(HttpStatusCode.NoContent, right.StatusCode);
        await SourceIsAsync(Guid.Parse(Header(right, "X-Video-Id")!), file);

        using var creation = await CreateWithAsync(10, file[..10], ("Upload-Checksum", Checksum(algorithm, file[1..11])));
        await SessionClient.ProblemAsync(creation, 460, "checksum-mismatch");
        Assert.Equal(0, await _client.OffsetAsync(creation.Headers.Location!.OriginalString));
    }

    [Fact]
    public async Task A_terminated_upload_is_unknown_and_nothing_of_it_is_left()
    {
        var path = await _client.CreateAsync(2 * Part);
        using var patched = await _client.PatchAsync(path, 0, SessionClient.Random(Part + 10));
        Assert.Equal(HttpStatusCode.NoContent, patched.StatusCode);
        using var terminated = await _other.TusAsync("DELETE", path, null);
        Assert.Equal(HttpStatusCode.NoContent, terminated.StatusCode);
        foreach (var method in (string[])["HEAD", "PATCH", "DELETE"])
        {
            using var refused = await _client.TusAsync(method, path, null);
            Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        }

        await NothingLeftAsync();
    }

    [Fact]
    public async Task An_expired_upload_is_unknown_and_nothing_of_it_is_left()
    {
        var path = await _client.CreateAsync(2 * Part);
        using var patched = await _client.PatchAsync(path, 0, SessionClient.Random(Part + 10));
        await _store.QueryAsync("with s as (update upload_sessions set expires_at = now() returning video_id) update videos set upload_lease = now() from s where id = s.video_id returning 1", _ => 0, Ct);
        using var refused = await _client.TusAsync("HEAD", path, null);
        Assert.Equal(HttpStatusCode.NotFound, refused.StatusCode);
        await NothingLeftAsync();
    }

    [Fact]
    public async Task The_method_may_stand_in_a_header()
    {
        var path = await _client.CreateAsync(10);
        using ByteArrayContent body = new(new byte[5]);
        body.Headers.ContentType = new("application/offset+octet-stream");
        using var patched = await _client.TusAsync("POST", path, body, ("X-HTTP-Method-Override", "PATCH"), ("Upload-Offset", "0"));
        Assert.Equal((HttpStatusCode.NoContent, "5"), (patched.StatusCode, Header(patched, "Upload-Offset")));
        using var head = await _client.TusAsync("GET", path, null, ("X-HTTP-Method-Override", "HEAD"));
        Assert.Equal("5", Header(head, "Upload-Offset"));
        using var terminated = await _client.TusAsync("POST", path, null, ("X-HTTP-Method-Override", "delete"));
        Assert.Equal(HttpStatusCode.NoContent, terminated.StatusCode);
    }

    /// <summary>In the store where every piece but the last has S3's least size, and through the server where one has not.</summary>
    [Theory]
    [InlineData(new[] { Part, Part + 1, 10 })]
    [InlineData(new[] { 1000, Part + 1, 10 })]
    [InlineData(new[] { 1 })]
    public async Task A_final_upload_is_its_pieces_in_order_and_the_pieces_are_no_videos(int[] sizes)
    {
        List<(string Path, byte[] Bytes)> pieces = [];
        foreach (var size in sizes)
        {
            var path = await _client.CreateAsync(size, ("Upload-Concat", "partial"));
            pieces.Add((path, SessionClient.Random(size)));
        }

        using var early = await FinalAsync(_client, pieces.Select(piece => piece.Path));
        await SessionClient.ProblemAsync(early, 409, "upload-incomplete");
        foreach (var (path, bytes) in pieces)
        {
            using var patched = await _other.PatchAsync(path, 0, bytes);
            Assert.Equal(HttpStatusCode.NoContent, patched.StatusCode);
            Assert.Null(Header(patched, "X-Video-Id"));
            using var head = await _client.TusAsync("HEAD", path, null);
            Assert.Equal(("partial", $"{bytes.Length}"), (Header(head, "Upload-Concat"), Header(head, "Upload-Offset")));
        }

        Assert.Equal(sizes.Length, await _store.ScalarAsync<long>("select count(*) from videos where is_partial and state = 'UPLOADING'", Ct));
        var byName = pieces.Select((piece, i) => i == 0 ? new Uri(_first.Http.BaseAddress!, piece.Path).ToString() : piece.Path).ToList();
        var answers = await Task.WhenAll(FinalAsync(_client, byName), FinalAsync(_other, byName));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Created, answer.StatusCode));
        var final = Assert.Single(answers.Select(answer => answer.Headers.Location!.OriginalString).Distinct());
        var video = Guid.Parse(Header(answers[0], "X-Video-Id")!);
        await SourceIsAsync(video, [.. pieces.SelectMany(piece => piece.Bytes)]);

        using var made = await _other.TusAsync("HEAD", final, null);
        Assert.Equal(($"{sizes.Sum()}", $"{sizes.Sum()}", $"final;{string.Join(' ', byName)}"), (Header(made, "Upload-Offset"), Header(made, "Upload-Length"), Header(made, "Upload-Concat")));
        using var more = await _client.PatchAsync(final, sizes.Sum(), []);
        await SessionClient.ProblemAsync(more, 403, "forbidden");
        using var repeated = await FinalAsync(_client, byName); // the answer was lost, say
        Assert.Equal(final, repeated.Headers.Location!.OriginalString);
        Assert.Equal(sizes[0], await _client.OffsetAsync(pieces[0].Path));
        if (sizes.Length > 1)
        {
            using var other = await FinalAsync(_client, byName[1..]);
            await SessionClient.ProblemAsync(other, 409, "state-conflict");
        }

        Array.ForEach(answers, answer => answer.Dispose());
        await Poll.UntilAsync(() => _store.ScalarAsync<long>("select count(*) from videos", Ct), rows => rows == 1, _within, "the pieces' end");
        Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from jobs", Ct));
        Assert.Equal([ObjectKeys.Source(video)], await _store.Get<ObjectStore>().ListAsync("", Ct).Select(entry => entry.Key).ToArrayAsync(Ct));
    }

    [Fact]
    public async Task A_final_upload_is_made_of_one_s_own_partial_uploads()
    {
        using var stranger = await _first.AccountAsync(Ct);
        var foreign = await stranger.CreateAsync(1, ("Upload-Concat", "partial"));
        var whole = await _client.CreateAsync(1);
        foreach (var path in (string[])[foreign, whole, $"/files/{Guid.NewGuid()}"])
        {
            using var refused = await FinalAsync(_client, [path]);
            await SessionClient.ProblemAsync(refused, 404, "unknown-upload");
        }
    }

    private static string? Header(HttpResponseMessage answer, string name) => SessionClient.Header(answer, name);

    private static string Checksum(string algorithm, byte[] bytes) => $"{algorithm} {Convert.ToBase64String(CryptographicOperations.HashData(new HashAlgorithmName(algorithm.ToUpperInvariant()), bytes))}";

    private static Task<HttpResponseMessage> FinalAsync(SessionClient client, IEnumerable<string> paths) => client.TusAsync("POST", "/files", null, ("Upload-Concat", $"final;{string.Join(' ', paths)}"));

    private Task<HttpResponseMessage> CreateWithAsync(long length, byte[] bytes, params (string Name, string Value)[] headers)
    {
        ByteArrayContent body = new(bytes);
        body.Headers.ContentType = new("application/offset+octet-stream");
        return _client.TusAsync("POST", "/files", body, [("Upload-Length", $"{length}"), .. headers]);
    }

    private async Task<List<string>> ObjectsAsync(Guid video) => await _store.Get<ObjectStore>().ListAsync(ObjectKeys.Video(video), Ct).Select(entry => entry.Key).ToListAsync(Ct);

    private async Task SourceIsAsync(Guid video, byte[] file)
    {
        await using var stored = await _store.Get<ObjectStore>().OpenReadAsync(ObjectKeys.Source(video), 0, Ct);
        Assert.Equal(SHA256.HashData(file), await SHA256.HashDataAsync(stored!, Ct));
    }

    private async Task NothingLeftAsync() => await Poll.UntilAsync(async () =>
    {
        var uploads = await _store.Get<ObjectStore>().ListUploadsAsync("", Ct);
        return (await _store.ScalarAsync<long>("select count(*) from videos", Ct), uploads.Count, await _store.Get<ObjectStore>().ListAsync("", Ct).CountAsync(Ct));
    }, left => left == (0, 0, 0), _within, "nothing left");
}
