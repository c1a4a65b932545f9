using System.Security.Cryptography;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Videos;
using Testing;
using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>A worker with one slot that has a video to encode when a broadcast comes.</summary>
public sealed class Preemption(Servers servers) : LiveTest(servers)
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_chunk_is_given_back_without_spending_an_attempt_and_goes_on_after_the_broadcast()
    {
        await UploadAsync();
        await using var worker = WorkerProcess.Start(Store, ("Worker:Preset", "veryslow"));
        await Poll.UntilAsync(async () => await CountAsync("select count(*) from tasks where kind = 'chunk' and state = 'leased'") == 1, _patience, "a running chunk");

        var id = await Store.ProvisionAsync(Ingest.UrlOf("match"));
        await Poll.UntilAsync(async () => await CountAsync("select count(*) from task_runs where outcome = 'Preempted'") == 1, TimeSpan.FromSeconds(10), "the chunk to be given back");
        Assert.Equal(1, await CountAsync("select count(*) from tasks where kind = 'chunk' and ordinal = 2 and state = 'runnable' and attempt = 1"));
        var push = Ingest.Push("match", await Sources.MakeAsync("push-match", "flv",
            ["-f", "lavfi", "-i", Sources.Picture("25", 8), "-f", "lavfi", "-i", Sources.Sine(8), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "25", "-c:a", "aac"]));
        await Store.ReadyAsync(id, _patience);
        Assert.Equal(0, await CountAsync("select count(*) from tasks where state = 'leased'")); // the only slot is the broadcast's
        Assert.Equal(1, await Store.ScalarAsync<int>("select busy from workers", Ct));

        await push.WaitForExitAsync(Ct);
        await Store.UntilStatusAsync(id, "COMPLETE", _patience);
        await Poll.UntilAsync(async () => await CountAsync("select count(*) from tasks where kind = 'chunk' and state = 'leased' and attempt = 1") == 1, _patience, "the chunk's next run");
    }

    private async Task UploadAsync()
    {
        var path = await Sources.MakeAsync("long", "mp4", ["-f", "lavfi", "-i", Sources.Picture("50", 24, size: "1280x720"), "-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"]);
        var (uploads, video) = (Store.Get<UploadStore>(), Guid.CreateVersion7());
        await Store.Get<ObjectStore>().PutFileAsync(ObjectKeys.Source(video), path, "video/mp4", Ct);
        var token = await uploads.BeginAsync(video, null, "long.mp4", Ct);
        await using var file = File.OpenRead(path);
        Assert.Equal(MoveOutcome.Moved, await uploads.BytesSentAsync(video, token, file.Length, await SHA256.HashDataAsync(file, Ct), Ct));
        Assert.Equal(MoveOutcome.Moved, await uploads.VerifiedAsync(video, Ct));
    }

    private Task<long> CountAsync(string sql) => Store.ScalarAsync<long>(sql, Ct);
}
