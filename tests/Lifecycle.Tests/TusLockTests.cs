using System.Net;
using System.Security.Cryptography;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Uploads;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Two requests that want one tus upload: who writes, who goes, and what counts.</summary>
public sealed class TusLockTests(Servers servers) : IAsyncLifetime
{
    private const int Part = Limits.S3MinimumPartBytes;

    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private TestStore _store = null!;
    private UploadHost _first = null!;
    private UploadHost _second = null!;
    private SessionClient _client = null!;
    private SessionClient _other = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private UploadLocks Locks => _store.Get<UploadLocks>();

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _first = await UploadHost.StartAsync(_store, Ct);
        _second = await UploadHost.StartAsync(_store, Ct);
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

    /// <summary>Its client is there and sends a little now and then: the other request's HEAD ends it, and what came is not sent again.</summary>
    [Theory]
    [InlineData(1000)]
    [InlineData(Part + 1000)]
    public async Task A_HEAD_at_another_replica_ends_a_PATCH_that_hangs_and_what_it_brought_counts(int arrived)
    {
        var file = SessionClient.Random((2 * Part) + 10);
        var path = await _client.CreateAsync(file.Length);
        using TricklingContent body = new(file, arrived);
        var hanging = _client.PatchAsync(path, 0, body);
        await body.Sent.Task;
        var offset = await _other.OffsetAsync(path);
        Assert.InRange(offset, arrived, file.Length - 1);
        await EndsAsync(hanging);
        using var rest = await _other.PatchAsync(path, offset, file[(int)offset..]);
        Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        await SourceIsAsync(Guid.Parse(SessionClient.Header(rest, "X-Video-Id")!), file);
    }

    [Fact]
    public async Task A_client_that_goes_in_the_middle_has_sent_what_arrived()
    {
        var file = SessionClient.Random(Part + 5000);
        var path = await _client.CreateAsync(file.Length);
        using CancellationTokenSource gone = new();
        using TricklingContent body = new(file, Part + 1000);
        body.Headers.ContentType = new("application/offset+octet-stream");
        using HttpRequestMessage request = new(HttpMethod.Patch, path) { Content = body, Headers = { { "Tus-Resumable", "1.0.0" }, { "Upload-Offset", "0" } } };
        var sending = _client.Http.SendAsync(request, gone.Token);
        // Once the part before them is in the store, the bytes behind it have long been read.
        await Poll.UntilAsync(() => _store.ScalarAsync<long>("select received from upload_sessions", Ct), received => received == Part, _within, "the first part");
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => sending);
        var offset = await _other.OffsetAsync(path);
        Assert.InRange(offset, Part + 1000, file.Length - 1);
        using var rest = await _other.PatchAsync(path, offset, file[(int)offset..]);
        await SourceIsAsync(Guid.Parse(SessionClient.Header(rest, "X-Video-Id")!), file);
    }

    [Fact]
    public async Task A_dead_holder_s_lock_is_taken_over_and_its_late_commit_does_not_count()
    {
        var file = SessionClient.Random(3000);
        var path = await _client.CreateAsync(file.Length);
        var id = Guid.Parse(path["/files/".Length..]);
        var dead = (await Locks.TakeAsync(id, Ct))!.Value; // nobody beats for it
        Assert.Null(await Locks.TakeAsync(id, Ct));
        Assert.Equal(LockBeat.Wanted, await Locks.RenewAsync(id, dead, Ct));
        Assert.Equal(0, await _other.OffsetAsync(path));
        Assert.Equal(LockBeat.Lost, await Locks.RenewAsync(id, dead, Ct));
        Assert.False(await Locks.CommitAsync(id, dead, 2000, "videos/zombie", Ct));
        using var patched = await _client.PatchAsync(path, 0, file);
        await SourceIsAsync(Guid.Parse(SessionClient.Header(patched, "X-Video-Id")!), file);
    }

    [Fact]
    public async Task A_holder_that_lives_and_does_not_go_is_423()
    {
        var path = await _client.CreateAsync(10);
        var id = Guid.Parse(path["/files/".Length..]);
        var held = (await Locks.TakeAsync(id, Ct))!.Value;
        using CancellationTokenSource over = new();
        var beating = BeatAsync(id, held, over.Token);
        var answers = await Task.WhenAll(_client.TusAsync("HEAD", path, null), _other.PatchAsync(path, 0, [1]), _other.TusAsync("DELETE", path, null));
        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Locked, answer.StatusCode));
        await over.CancelAsync();
        await beating;
        await Locks.ReleaseAsync(id, held, Ct);
        using var patched = await _other.PatchAsync(path, 0, new byte[10]);
        Assert.Equal(HttpStatusCode.NoContent, patched.StatusCode);
        Array.ForEach(answers, answer => answer.Dispose());
    }

    [Fact]
    public async Task Of_many_PATCHes_at_one_offset_one_counts()
    {
        var file = SessionClient.Random(Part + 100);
        var path = await _client.CreateAsync(file.Length);
        var answers = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => (i % 2 == 0 ? _client : _other).PatchAsync(path, 0, file)));
        var done = Assert.Single(answers, answer => answer.StatusCode == HttpStatusCode.NoContent);
        Assert.All(answers, answer => Assert.True(answer.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.Conflict or HttpStatusCode.Locked, $"{answer.StatusCode}"));
        await SourceIsAsync(Guid.Parse(SessionClient.Header(done, "X-Video-Id")!), file);
        Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from jobs", Ct));
        Array.ForEach(answers, answer => answer.Dispose());
    }

    /// <summary>423, where the client hears it: it is still sending when the connection ends.</summary>
    private static async Task EndsAsync(Task<HttpResponseMessage> hanging)
    {
        try
        {
            using var ended = await hanging;
            await SessionClient.ProblemAsync(ended, 423, "upload-locked");
        }
        catch (HttpRequestException)
        {
            // Ended all the same.
        }
    }

    private async Task BeatAsync(Guid id, long token, CancellationToken ct)
    {
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(500));
        try
        {
            while (await timer.WaitForNextTickAsync(ct))
            {
                await Locks.RenewAsync(id, token, Ct);
            }
        }
        catch (OperationCanceledException)
        {
            // Over.
        }
    }

    private async Task SourceIsAsync(Guid video, byte[] file)
    {
        await using var stored = await _store.Get<ObjectStore>().OpenReadAsync(ObjectKeys.Source(video), 0, Ct);
        Assert.Equal(SHA256.HashData(file), await SHA256.HashDataAsync(stored!, Ct));
    }

    /// <summary>Sends the first bytes at once, and the others so slowly that they do not end within the test, but fast enough for Kestrel.</summary>
    private sealed class TricklingContent(byte[] file, int first) : HttpContent
    {
        private const int Trickle = 100;

        public TaskCompletionSource Sent { get; } = new();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(file.AsMemory(0, first), Ct);
            await stream.FlushAsync(Ct);
            Sent.TrySetResult();
            using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(200));
            for (var at = first; at + Trickle < file.Length && await timer.WaitForNextTickAsync(Ct); at += Trickle)
            {
                await stream.WriteAsync(file.AsMemory(at, Trickle), Ct);
                await stream.FlushAsync(Ct);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = file.Length;
            return true;
        }
    }
}
