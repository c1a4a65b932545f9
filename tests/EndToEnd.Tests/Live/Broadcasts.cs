using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>Seed 001 from a real encoder's push to the recording, on the product's own AppHost.</summary>
public sealed class Broadcasts(Platform platform)
{
    private const double BroadcastSeconds = 60;

    private const double LatestPictureSeconds = 10;

    private static readonly TimeSpan _readyWithin = TimeSpan.FromSeconds(6);

    private static readonly TimeSpan _endsWithin = TimeSpan.FromSeconds(30);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_minute_pushed_is_READY_within_6_s_plays_10_s_behind_and_becomes_a_video_of_a_minute()
    {
        await Pool.IdleAsync(platform, Ct);
        using var owner = await Account.NewAsync(platform, Ct);
        await using var events = await StreamEvents.ListenAsync(platform, Ct);
        var stream = await OnAir.ProvisionedAsync(platform, owner, ct: Ct);
        await using Viewer viewer = new(platform, stream);
        await using var broadcaster = Broadcaster.Push(await stream.PushUrlAsync(Ct));
        viewer.Start();
        await stream.StatusAsync("READY", _endsWithin, Ct);
        var readyAfter = TimeSpan.FromMilliseconds(SenderClock.Now() - broadcaster.Sent[0]);
        await broadcaster.SentAsync(BroadcastSeconds);
        Assert.Equal("LIVE", (await stream.GetAsync(Ct)).GetProperty("status").GetString());
        Assert.Equal((0, ""), await broadcaster.FinishAsync());
        await viewer.EndAsync(_endsWithin);
        await CheckDecodesAsync(stream, viewer);

        await events.ToldAsync(stream.Id, "StreamProvisionRequested", "READY", "LIVE", "COMPLETE");

        var video = await stream.RecordedAsync(Ct);
        await CheckRecordingAsync(video, broadcaster);
        using var redirected = await platform.Http.GetAsync(stream.Manifest, Ct); // the client follows
        Assert.Equal(video, redirected.RequestMessage!.RequestUri);

        // At last what a machine that is busy with other things can make fail.
        TestContext.Current.SendDiagnosticMessage("READY {0:0.00} s after the first picture", readyAfter.TotalSeconds);
        await CheckLatencyAsync(viewer, broadcaster);
        Assert.True(readyAfter < _readyWithin, $"READY after {readyAfter.TotalSeconds:0.00} s");
    }

    /// <summary>Whoever came at whatever moment, and began as far from the end as players do, saw what the sender's clock had shown 10 s ago at most.</summary>
    private static async Task CheckLatencyAsync(Viewer viewer, Broadcaster broadcaster)
    {
        var track = viewer.Tracks["240p"];
        var file = await viewer.FileAsync("240p", 0);
        var clocks = await SenderClock.ReadAsync(["-i", file], 1);
        Dictionary<long, long> firstOf = [];
        var frames = 0d;
        foreach (var (segment, _) in track)
        {
            firstOf.Add(segment.Sequence, clocks[(int)Math.Round(frames)]);
            frames += segment.Seconds * SenderClock.FramesPerSecond;
        }

        // After the last picture nothing follows until the platform knows that it was the last: what is shown then only grows older.
        var latencies = viewer.Joined.Where(joined => joined.At <= broadcaster.Sent[^1]).Select(joined => (joined.At - firstOf[joined.Segment.Sequence]) / 1000d).ToList();
        TestContext.Current.SendDiagnosticMessage("Latency at hold-back over {0} joins: {1:0.00} to {2:0.00} s, median {3:0.00} s", latencies.Count, latencies.Min(), latencies.Max(), latencies.Order().ElementAt(latencies.Count / 2));
        Assert.True(latencies.Count > BroadcastSeconds, $"{latencies.Count} joins");
        Assert.True(latencies.Max() < LatestPictureSeconds, $"{latencies.Max():0.00} s behind, at the median {latencies.Order().ElementAt(latencies.Count / 2):0.00} s");
    }

    /// <summary>Every track of the finished playlist, without a word from the decoder.</summary>
    private async Task CheckDecodesAsync(OnAir stream, Viewer viewer)
    {
        foreach (var track in viewer.Tracks.Keys)
        {
            Uri address = new(platform.Address("gateway"), $"/stream/{stream.Id}/manifest/{track}");
            await Tool.CheckedAsync("ffmpeg", "-nostdin", "-v", "warning", "-i", address.AbsoluteUri, "-map", "0", "-f", "null", "-");
        }
    }

    /// <summary>Every picture of the broadcast is in it, once and in order; at either end a second may be missing.</summary>
    private static async Task CheckRecordingAsync(Uri manifest, Broadcaster broadcaster)
    {
        var video = await HlsVideo.OpenAsync(manifest);
        var smallest = video.Video.MinBy(track => track.AverageBandwidth)!;
        Assert.InRange(smallest.Segments.Sum(segment => segment.Seconds), broadcaster.Seconds - 1, broadcaster.Seconds + 1);
        Assert.Empty(Pictures.Gaps(broadcaster.Sent, await SenderClock.ReadAsync(smallest.Input, 1)));
    }
}
