using System.Net;
using System.Text.Json;
using EndToEnd.Tests.Crashes;
using Lifecycle.Contracts;
using Testing;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Resumable uploads while replicas die: what was acknowledged is never lost, and nothing is made twice or left behind.</summary>
public sealed class ResumableUploads(Platform platform) : IAsyncLifetime
{
    private const int Part = Limits.S3MinimumPartBytes;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    /// <summary>The same account at either replica.</summary>
    private SessionClient[] _at = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        await BackAsync();
        var first = await platform.AccountAsync("upload-api-1", Ct);
        _at = [first, first.At(platform.Address("upload-api-2"))];
    }

    public async ValueTask DisposeAsync()
    {
        Array.ForEach(_at, client => client.Dispose());
        await BackAsync();
    }

    [Fact]
    public async Task Fifty_uploads_over_two_replicas_finish_whatever_is_killed()
    {
        const int Uploads = 50;
        const int Kills = 3;
        var stored = 0;
        var files = Enumerable.Range(0, Uploads).Select(i => SessionClient.Random((2 * Part) + 1000 + i)).ToArray();
        var accounts = new SessionClient[5][];
        for (var i = 0; i < accounts.Length; i++)
        {
            var first = await platform.AccountAsync("upload-api-1", Ct);
            accounts[i] = [first, first.At(platform.Address("upload-api-2"))];
        }

        var uploads = files.Select((file, i) => UploadAsync(accounts[i % accounts.Length], i, file, () => Interlocked.Increment(ref stored))).ToArray();
        var random = Random.Shared;
        for (var kill = 0; kill < Kills; kill++)
        {
            // At a moment of its share of all parts, whatever each upload is doing then.
            var at = (Uploads * 3 * kill / Kills) + random.Next(1, Uploads * 3 / Kills);
            await Poll.UntilAsync(() => Task.FromResult(Volatile.Read(ref stored)), parts => parts >= at, _within, $"{at} parts");
            var replica = $"upload-api-{random.Next(1, 3)}";
            var pid = platform.Pid(replica);
            await Signals.SendAsync("KILL", pid);
            await platform.HealthyAgainAsync(replica, pid, Ct);
        }

        var videos = await Task.WhenAll(uploads);
        Assert.Equal(Uploads, videos.Distinct().Count());
        for (var i = 0; i < Uploads; i++)
        {
            await platform.SourceIsAsync(videos[i], files[i], Ct);
        }

        Assert.Equal(Uploads, await platform.Store.ScalarAsync<long>("select count(*) from jobs where video_id = any($1)", Ct, videos));
        Assert.Equal(0, await platform.Store.ScalarAsync<long>("select count(*) from videos where owner_id = any($1) and id <> all($2)", Ct, accounts.Select(account => account[0].UserId).ToArray(), videos));
        await new Aftermath(platform).CheckNothingIsLeftAsync();
        foreach (var client in accounts.SelectMany(account => account))
        {
            client.Dispose();
        }
    }

    /// <summary>The process dies in the middle of completing; the other replica, asked at once, answers with the same video.</summary>
    [Theory]
    [InlineData(FaultPoint.UploadBeforeCompleteObject)]
    [InlineData(FaultPoint.UploadAfterCompleteObject)]
    public async Task Completing_that_is_killed_is_finished_by_the_next_one(FaultPoint point)
    {
        var source = await Clips.ShortAsync();
        var id = await _at[0].OpenAsync(source.Length);
        for (var number = 1; ((number - 1) * Part) < source.Length; number++)
        {
            await _at[number % 2].PartAsync(id, number, source);
        }

        platform.Arm(point, "kill");
        await Assert.ThrowsAsync<HttpRequestException>(() => _at[0].CompleteAsync(id));
        await platform.HitAsync(point, _within);
        var video = await CompleteAsync(_at[1], id);
        Assert.Equal(1, await platform.Store.ScalarAsync<long>("select count(*) from jobs where video_id = $1", Ct, video));
        await BackAsync();
        Assert.Equal(video, await CompleteAsync(_at[0], id));
        await new Aftermath(platform).CheckAsync(source, video);

        // Nobody had all the bytes in hand: the plan has hashed them.
        var sha256 = await platform.Store.ScalarAsync<byte[]>("select source_sha256 from videos where id = $1", Ct, video);
        Assert.Equal(System.Security.Cryptography.SHA256.HashData(source), sha256);
    }

    [Fact]
    public async Task A_part_whose_replica_died_before_its_row_is_sent_again_or_counts_as_it_is()
    {
        var file = SessionClient.Random((2 * Part) + 10);
        var id = await _at[0].OpenAsync(file.Length);
        await _at[0].PartAsync(id, 1, file);
        platform.Arm(FaultPoint.SessionPartStored, "kill");
        await Assert.ThrowsAsync<HttpRequestException>(() => _at[0].PartAsync(id, 2, file));
        await platform.HitAsync(FaultPoint.SessionPartStored, _within);
        await _at[1].PartAsync(id, 3, file);
        var video = await CompleteAsync(_at[1], id);
        await platform.SourceIsAsync(video, file, Ct);
        await EndedAsync(video);
    }

    /// <summary>Everything that was acknowledged counts, at whichever place the process dies; HEAD says how much that is.</summary>
    [Theory]
    [InlineData(FaultPoint.SessionPartStored, Part + 500, 0)]
    [InlineData(FaultPoint.TusTailStored, Part + 500, Part)]
    [InlineData(FaultPoint.UploadBeforeCompleteObject, (2 * Part) + 10, (2 * Part) + 10)]
    [InlineData(FaultPoint.UploadAfterCompleteObject, (2 * Part) + 10, (2 * Part) + 10)]
    public async Task A_tus_upload_goes_on_at_the_other_replica(FaultPoint point, int sent, int durable)
    {
        var file = SessionClient.Random((2 * Part) + 10);
        var path = await _at[0].CreateAsync(file.Length);
        using var first = await _at[1].PatchAsync(path, 0, file[..300]);
        platform.Arm(point, "kill");
        await Assert.ThrowsAsync<HttpRequestException>(() => _at[0].PatchAsync(path, 300, file[300..sent]));
        await platform.HitAsync(point, _within);
        var offset = (int)await _at[1].OffsetAsync(path);
        Assert.Equal(Math.Max(durable, 300), offset);
        if (offset < file.Length)
        {
            using var rest = await _at[1].PatchAsync(path, offset, file[offset..]);
            Assert.Equal(HttpStatusCode.NoContent, rest.StatusCode);
        }

        using var head = await _at[1].TusAsync("HEAD", path, null);
        var video = Guid.Parse(SessionClient.Header(head, "X-Video-Id")!);
        await EndedAsync(video);
        await platform.SourceIsAsync(video, file, Ct);
        await Poll.UntilAsync(() => ObjectsAsync(video), objects => objects == 1, _within, "the source alone");
    }

    [Theory]
    [InlineData(FaultPoint.TusConcatenated)]
    [InlineData(FaultPoint.UploadBeforeCompleteObject)]
    public async Task A_concatenation_that_is_killed_is_asked_for_again_and_made_once(FaultPoint point)
    {
        byte[][] pieces = [SessionClient.Random(Part + 7), SessionClient.Random(99)];
        var paths = new string[pieces.Length];
        for (var i = 0; i < pieces.Length; i++)
        {
            paths[i] = await _at[i].CreateAsync(pieces[i].Length, ("Upload-Concat", "partial"));
            using var patched = await _at[1 - i].PatchAsync(paths[i], 0, pieces[i]);
            Assert.Equal(HttpStatusCode.NoContent, patched.StatusCode);
        }

        var final = ("Upload-Concat", $"final;{string.Join(' ', paths)}");
        platform.Arm(point, "kill");
        await Assert.ThrowsAsync<HttpRequestException>(() => _at[0].TusAsync("POST", "/files", null, final));
        await platform.HitAsync(point, _within);
        var video = await Poll.UntilAsync(async () =>
        {
            using var answer = await _at[1].TusAsync("POST", "/files", null, final);
            return answer.StatusCode == HttpStatusCode.Created ? Guid.Parse(SessionClient.Header(answer, "X-Video-Id")!) : Guid.Empty;
        }, id => id != Guid.Empty, _within, "the final upload");
        await platform.SourceIsAsync(video, [.. pieces.SelectMany(piece => piece)], Ct);
        await EndedAsync(video);
        Assert.Equal(1, await platform.Store.ScalarAsync<long>("select count(*) from videos where owner_id = $1", Ct, _at[0].UserId));
    }

    /// <summary>Parts at alternating replicas; whatever fails is sent again to the other one.</summary>
    private static async Task<Guid> UploadAsync(SessionClient[] at, int seed, byte[] file, Action onPart)
    {
        var key = Guid.NewGuid().ToString();
        var session = await RetryAsync(at, seed, client => client.InitiateAsync(new { filename = $"{seed}.mp4", total_size = file.Length }, key), HttpStatusCode.Created);
        var id = session.GetProperty("id").GetGuid();
        for (var number = 1; number <= session.GetProperty("total_parts").GetInt32(); number++)
        {
            var bytes = SessionClient.PartOf(file, number);
            await RetryAsync(at, seed + number, client => client.PutAsync(id, $"{number}", bytes), HttpStatusCode.OK);
            onPart();
        }

        return (await RetryAsync(at, seed, client => client.CompleteAsync(id), HttpStatusCode.OK)).GetProperty("id").GetGuid();
    }

    private static async Task<JsonElement> RetryAsync(SessionClient[] at, int first, Func<SessionClient, Task<HttpResponseMessage>> send, HttpStatusCode expected)
    {
        var attempt = 0;
        var body = await Poll.UntilAsync(async () =>
        {
            try
            {
                using var answer = await send(at[(first + attempt++) % at.Length]);
                var json = await answer.JsonAsync(Ct);
                Assert.True(answer.StatusCode == expected || answer.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests, $"{answer.StatusCode}: {json}");
                return answer.StatusCode == expected ? json : default;
            }
            catch (Exception exception) when (exception is HttpRequestException or TaskCanceledException && !Ct.IsCancellationRequested)
            {
                return default; // killed
            }
        }, json => json.ValueKind == JsonValueKind.Object, _within, $"{expected}");
        return body;
    }

    private static async Task<Guid> CompleteAsync(SessionClient client, Guid id) => (await RetryAsync([client], 0, one => one.CompleteAsync(id), HttpStatusCode.OK)).GetProperty("id").GetGuid();

    private async Task<int> ObjectsAsync(Guid video)
    {
        await using var left = await Leftovers.OfAsync(platform, Ct);
        return await left.ObjectsAsync(video, Ct);
    }

    /// <summary>Noise is no video; what it came to does not matter, only that nothing of it is left.</summary>
    private async Task EndedAsync(Guid video)
    {
        Assert.Equal("FAILED", await platform.EndStateAsync(video, _within, Ct));
        Assert.Equal(1, await platform.Store.ScalarAsync<long>("select count(*) from jobs where video_id = $1", Ct, video));
        await new Aftermath(platform).CheckNothingIsLeftAsync();
    }

    private async Task BackAsync()
    {
        foreach (var resource in (string[])["upload-api-1", "upload-api-2"])
        {
            await platform.HealthyAsync(resource, Ct);
        }
    }
}
