using System.Security.Cryptography;
using System.Text.Json;
using Amazon.S3;
using Amazon.S3.Model;
using Lifecycle.Contracts.Media;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Crashes;

/// <summary>What must hold after any crash, once the platform has had a lease's time to see it.</summary>
public sealed class Aftermath(Platform platform)
{
    /// <summary>The longest that anything of a dead process may stay: its lease, and the passes of reaper, rescuer and sweeper.</summary>
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private ObjectStore Objects => platform.Store.Get<ObjectStore>();

    /// <summary>Every upload that was answered is READY with its bytes as they were sent, and nothing of its failed runs is left.</summary>
    public async Task CheckAsync(byte[] source, params IEnumerable<Guid> videos)
    {
        foreach (var video in videos)
        {
            Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
            await CheckObjectsAsync(video, source);
            await CheckRunsAsync(video);
        }

        await CheckNothingIsLeftAsync();
    }

    /// <summary>No upload that nobody finishes, no folder of a run that is over, no process that nobody waits for.</summary>
    public async Task CheckNothingIsLeftAsync()
    {
        await Poll.UntilAsync(async () => string.Join(", ", await UnfinishedUploadsAsync()), left => left == "", _within, "no unfinished upload, row or multipart");
        await Poll.UntilAsync(() => Task.FromResult(string.Join(", ", LeftFolders())), left => left == "", _within, "no folder of a dead run");
        await Poll.UntilAsync(() => Task.FromResult(string.Join(", ", LeftProcesses())), left => left == "", _within, "no process of a dead run");
    }

    /// <summary>The source as it was sent, and exactly one object for every key of the catalogue.</summary>
    private async Task CheckObjectsAsync(Guid video, byte[] source)
    {
        await using var stored = await Objects.OpenReadAsync(ObjectKeys.Source(video), 0, Ct);
        Assert.NotNull(stored);
        Assert.Equal(SHA256.HashData(source), await SHA256.HashDataAsync(stored, Ct));

        var published = await platform.Store.Get<VideoStore>().PublishedAsync(video, Ct);
        var catalogue = JsonSerializer.Deserialize(published!.Catalogue!, MediaJson.Default.Catalogue)!;
        string[] expected = [.. catalogue.Objects.Select(entry => entry.Key).Append(ObjectKeys.Source(video)).Order(StringComparer.Ordinal)];
        Assert.Distinct(expected);
        await Poll.UntilAsync(
            async () => await Objects.ListAsync(ObjectKeys.Video(video), Ct).Select(entry => entry.Key).Order(StringComparer.Ordinal).ToArrayAsync(Ct),
            listed => listed.SequenceEqual(expected), _within, $"only what video {video} has committed");
    }

    /// <summary>One run of each task was committed, whatever became of the others.</summary>
    private async Task CheckRunsAsync(Guid video)
    {
        var commits = await platform.Store.QueryAsync(
            "select t.kind || ' ' || t.ordinal, count(*) from tasks t left join task_runs r on r.task_id = t.id and r.outcome = 'Completed' where t.video_id = $1 group by 1",
            row => (Task: row.GetString(0), Commits: row.GetInt64(1)), Ct, video);
        Assert.NotEmpty(commits);
        Assert.All(commits, task => Assert.Equal((task.Task, 1), task));
    }

    private async Task<IEnumerable<string>> UnfinishedUploadsAsync()
    {
        var rows = await platform.Store.QueryAsync("select id || ' ' || state from videos where state in ('UPLOADING', 'COMPLETING', 'ABORTING')", row => row.GetString(0), Ct);
        var s3 = platform.Store.Get<IAmazonS3>();
        var multiparts = await s3.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = platform.Store.Get<Bucket>().Name }, Ct);
        return [.. rows, .. (multiparts.MultipartUploads ?? []).Select(upload => upload.Key)];
    }

    private string[] LeftFolders() => Directory.GetDirectories(platform.Scratch, "lease-*", SearchOption.AllDirectories);

    /// <summary>ffmpeg runs in its lease's folder; with no task running there is none.</summary>
    private IEnumerable<string> LeftProcesses() => MediaProcesses.Of(platform).Select(pid => $"process {pid}");
}
