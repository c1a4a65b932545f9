using System.Diagnostics;
using Aspire.Hosting.Testing;
using Lifecycle.Store;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.ChunkStore;

/// <summary>A node that neither answers nor refuses (SIGSTOP): nobody waits for it longer than the hedge.</summary>
public sealed class HungNode(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(3);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_upload_takes_at_most_two_seconds_longer_and_playback_does_not_stall()
    {
        var source = await Sources.MakeAsync(
            "hung", "mp4", ["-f", "lavfi", "-i", Sources.Picture("25", 40), "-f", "lavfi", "-i", Sources.Sine(40), .. "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -c:a aac".Split(' ')]);
        var (_, usual) = await DistributeAsync(source);
        var node = platform.Pid("storage-node-1");
        await Signals.SendAsync("STOP", node);
        try
        {
            // At once, while it is still listed as healthy: later it is known to be down and nobody asks it.
            var (video, hung) = await DistributeAsync(source);
            Assert.True(hung - usual <= TimeSpan.FromSeconds(2), $"{usual.TotalSeconds:0.0} s without, {hung.TotalSeconds:0.0} s with a hung node");

            using var player = platform.Application.CreateHttpClient("smart-client", "http");
            var began = Stopwatch.GetTimestamp();
            var bytes = await player.GetByteArrayAsync($"/api/stream/{video}", Ct);
            Assert.NotEmpty(bytes);
            Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(40), "the stream came slower than it plays");
        }
        finally
        {
            await Signals.SendAsync("CONT", node);
        }
    }

    /// <summary>From the cut to the last commit: what comes before has nothing to do with nodes.</summary>
    private async Task<(Guid Video, TimeSpan Took)> DistributeAsync(string source)
    {
        var (video, statusUrl) = await platform.Http.UploadChunksAsync("Hung", await File.ReadAllBytesAsync(source, Ct), "a.mp4", Ct);
        await platform.ChunkedAsync(statusUrl, _within, Ct);
        var seconds = await platform.Store.ScalarAsync<double>(
            """
            select extract(epoch from r.ended_at - r.started_at)::float8 from task_runs r join tasks t on t.id = r.task_id join jobs j on j.id = t.job_id
            where j.video_id = $1 and j.kind = 'distribute' and t.kind = 'finalize' order by r.ended_at desc limit 1
            """, Ct, video);
        return (video, TimeSpan.FromSeconds(seconds));
    }
}
