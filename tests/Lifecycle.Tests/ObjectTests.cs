using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Amazon.Runtime;
using Amazon.S3;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Objects in a real store: large ones, stalled ones, and which of them the sweeper leaves.</summary>
public sealed class ObjectTests(Servers servers) : IAsyncLifetime
{
    private TestStore _store = null!;

    private ObjectStore Objects => _store.Get<ObjectStore>();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_file_beyond_one_PUT_goes_in_parts_and_comes_back_as_it_was()
    {
        using TemporaryFile file = new((64 << 20) + 12_345);
        var key = ObjectKeys.Output(Guid.CreateVersion7(), 1, 1, "normalized.mkv");
        await Objects.PutFileAsync(key, file.Path, "video/x-matroska", Ct);
        Assert.Empty(await Objects.ListUploadsAsync(ObjectKeys.AllVideos, Ct));

        var metadata = await _store.Get<IAmazonS3>().GetObjectMetadataAsync(_store.Get<Bucket>().Name, key, Ct);
        Assert.EndsWith("-5\"", metadata.ETag, StringComparison.Ordinal); // 4 parts of 16 MiB and the rest
        using TemporaryFile copy = new(0);
        Assert.True(await Objects.DownloadAsync(key, copy.Path, Ct));
        Assert.Equal(await file.HashAsync(Ct), await copy.HashAsync(Ct));
    }

    [Fact]
    public async Task A_download_that_stalls_is_an_outage()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeHalfAsync(listener);
        using AmazonS3Client s3 = new(new BasicAWSCredentials("a", "b"), new AmazonS3Config
        {
            ServiceURL = $"http://{listener.LocalEndpoint}", ForcePathStyle = true, AuthenticationRegion = "us-east-1", ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        });
        using TemporaryFile target = new(0);
        ObjectStore stalled = new(s3, new Bucket("b")) { ReadWithin = TimeSpan.FromMilliseconds(500) };
        var outage = await Assert.ThrowsAsync<TimeoutException>(() => stalled.DownloadAsync("k", target.Path, Ct));
        Assert.True(Outages.IsOutage(outage));
        using var connection = await serving;
    }

    /// <summary>The commit was durable but its answer was lost, or the process was stopped behind it: the run takes its lease for lost.</summary>
    [Fact]
    public async Task A_lease_that_seems_lost_keeps_what_it_committed_and_a_zombie_s_objects_go()
    {
        var video = await UploadAsync();
        var zombie = await ClaimAsync();
        await PutAsync(zombie, "plan.mkv");
        await _store.QueryAsync("update tasks set lease_until = now() - interval '1 second' where id = $1", _ => 0, Ct, zombie.TaskId);
        await _store.Get<Rescuer>().PassAsync(Ct);
        var task = await ClaimAsync();
        var committed = await PutAsync(task, "plan.mkv");
        var late = await Objects.BeginUploadAsync(ObjectKeys.Output(video, 1, zombie.LeaseToken, "late.mkv"), Ct);
        Assert.NotEmpty(late);
        Assert.Equal(RunEnd.Committed, await Outcomes.CompletePlanAsync(task, "{}", PlannedWork.Of(1, false), Ct));

        Assert.Equal(RunEnd.LeaseLost, await Outcomes.CompletePlanAsync(task, "{}", PlannedWork.Of(1, false), Ct));
        await Outcomes.SweepAsync(video, Ct);
        await Outcomes.SweepAsync(Guid.CreateVersion7(), Ct); // a video that is gone has nothing to sweep
        await DueAsync();
        await _store.Get<Sweeper>().PassAsync(Ct);
        Assert.Equal([committed], await Objects.ListAsync(ObjectKeys.Video(video), Ct).Select(entry => entry.Key).ToListAsync(Ct));
        Assert.Empty(await Objects.ListUploadsAsync(ObjectKeys.Video(video), Ct));
        Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from sweeps where due between now() + interval '9 minutes' and now() + interval '11 minutes'", Ct));
    }

    [Fact]
    public async Task A_video_that_cannot_be_swept_does_not_keep_the_others_waiting()
    {
        var bad = await UploadAsync();
        await _store.QueryAsync("insert into video_versions (video_id, version, catalogue, conformance, media) values ($1, 1, '5', '{}', '{}')", _ => 0, Ct, bad);
        await _store.QueryAsync("update videos set version = 1 where id = $1", _ => 0, Ct, bad);
        await Outcomes.SweepAsync(bad, Ct);
        var good = await UploadAsync();
        await PutAsync(await ClaimAsync() with { LeaseToken = 0, VideoId = good }, "nobody.mkv");
        await Outcomes.SweepAsync(good, Ct);
        await DueAsync();

        await _store.Get<Sweeper>().PassAsync(Ct);
        Assert.Empty(await Objects.ListAsync(ObjectKeys.Video(good), Ct).ToListAsync(Ct));
        Assert.Equal(2, await _store.ScalarAsync<long>("select count(*) from sweeps where video_id = $1 and due > now()", Ct, bad)); // it is tried again
    }

    private TaskOutcomes Outcomes => _store.Get<TaskOutcomes>();

    private Task<string> PutAsync(ClaimedTask task, string name) => _store.PutAsync(task, name, Ct);

    private Task<ClaimedTask> ClaimAsync() => _store.ClaimAsync(Ct);

    private Task<Guid> UploadAsync() => _store.UploadedAsync(Ct);

    /// <summary>The first sweep of each video.</summary>
    private async Task DueAsync() => await _store.QueryAsync("update sweeps set due = now() - interval '1 second' where due < now() + interval '1 minute'", _ => 0, Ct);

    /// <summary>Answers one request with a header for 1,000 bytes and half of them.</summary>
    private static async Task<TcpClient> ServeHalfAsync(TcpListener listener)
    {
        var client = await listener.AcceptTcpClientAsync(Ct);
        var stream = client.GetStream();
        _ = await stream.ReadAsync(new byte[64 * 1024], Ct);
        await stream.WriteAsync("HTTP/1.1 206 Partial Content\r\nContent-Length: 1000\r\nETag: \"x\"\r\n\r\n"u8.ToArray(), Ct);
        await stream.WriteAsync(new byte[500], Ct);
        return client;
    }
}
