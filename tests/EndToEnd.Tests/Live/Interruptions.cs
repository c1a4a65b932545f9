using Lifecycle.Contracts;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>A broadcast goes on as the same stream, with a discontinuity where something was lost.</summary>
public sealed class Interruptions(Platform platform)
{
    /// <summary>Streams:ResumeWithinSeconds is 8 here.</summary>
    private static readonly TimeSpan _away = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _startsWithin = TimeSpan.FromSeconds(45);

    private static readonly TimeSpan _takenOverWithin = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _endsWithin = TimeSpan.FromSeconds(45);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Beside it, a stream that is pulled from an allowed host by SRT: neither disturbs the other.</summary>
    [Fact]
    public async Task A_push_that_breaks_off_and_comes_back_is_one_stream_with_one_discontinuity()
    {
        await Pool.IdleAsync(platform, Ct);
        using var owner = await Account.NewAsync(platform, Ct);
        await Task.WhenAll(DropAndResumeAsync(owner), PullBySrtAsync(owner));
    }

    [Fact]
    public async Task A_worker_that_is_killed_is_followed_by_another_within_10_s()
    {
        await Pool.IdleAsync(platform, Ct);
        using var owner = await Account.NewAsync(platform, Ct);
        var stream = await OnAir.ProvisionedAsync(platform, owner, ct: Ct);
        await using Viewer viewer = new(platform, stream);
        await using var broadcaster = Broadcaster.Push(await stream.PushUrlAsync(Ct));
        viewer.Start();
        await Poll.UntilAsync(() => Task.FromResult(viewer.HasSegments), _startsWithin, "the first segments");
        var lease = await LeaseAsync(stream);

        platform.Arm(FaultPoint.LiveBeforeCommit, "kill");
        await platform.HitAsync(FaultPoint.LiveBeforeCommit, _startsWithin);
        await Poll.UntilAsync(() => LeaseAsync(stream), now => now is not null && now != lease, _takenOverWithin, "another worker's lease");
        await viewer.GoesOnAsync(_startsWithin);
        await broadcaster.SentAsync(broadcaster.Seconds + 5);
        Assert.Equal((0, ""), await broadcaster.FinishAsync());
        await viewer.EndAsync(_endsWithin);
        Assert.Equal(1, viewer.Discontinuities);
        Assert.Single(await GapsAsync(await stream.RecordedAsync(Ct), broadcaster.Sent));
    }

    /// <summary>Killed behind the first event; the others wait in the outbox, and the broadcast does not notice.</summary>
    [Fact]
    public async Task A_broker_that_is_killed_costs_neither_an_event_nor_a_picture()
    {
        await Pool.IdleAsync(platform, Ct);
        using var owner = await Account.NewAsync(platform, Ct);
        await using var events = await StreamEvents.ListenAsync(platform, Ct);
        var stream = await OnAir.ProvisionedAsync(platform, owner, ct: Ct);
        await events.ToldAsync(stream.Id, "StreamProvisionRequested");
        await using Viewer viewer = new(platform, stream);
        var broker = platform.Pid("messaging");
        await Signals.SendAsync("KILL", broker);
        await using var broadcaster = Broadcaster.Push(await stream.PushUrlAsync(Ct));
        viewer.Start();
        await Poll.UntilAsync(() => Task.FromResult(viewer.HasSegments), _startsWithin, "the first segments");
        await platform.HealthyAgainAsync("messaging", broker, Ct);
        await broadcaster.SentAsync(broadcaster.Seconds + 4);
        Assert.Equal((0, ""), await broadcaster.FinishAsync());
        await viewer.EndAsync(_endsWithin);
        Assert.Equal(0, viewer.Discontinuities);
        await events.ToldAsync(stream.Id, "StreamProvisionRequested", "READY", "LIVE", "COMPLETE");
        Assert.Empty(await GapsAsync(await stream.RecordedAsync(Ct), broadcaster.Sent));
    }

    private async Task DropAndResumeAsync(Account owner)
    {
        var stream = await OnAir.ProvisionedAsync(platform, owner, ct: Ct);
        var push = await stream.PushUrlAsync(Ct);
        await using Viewer viewer = new(platform, stream);
        viewer.Start();
        await using var before = Broadcaster.Push(push);
        await Poll.UntilAsync(() => Task.FromResult(viewer.HasSegments), _startsWithin, "the first segments");
        await before.SentAsync(before.Seconds + 4);
        await before.KillAsync();
        await Task.Delay(_away, TimeProvider.System, Ct); // the interruption itself
        await using var after = Broadcaster.Push(push);
        await viewer.GoesOnAsync(_startsWithin);
        await after.SentAsync(after.Seconds + 4);
        Assert.Equal((0, ""), await after.FinishAsync());
        await viewer.EndAsync(_endsWithin);
        Assert.Equal(1, viewer.Discontinuities);
        var sent = before.Sent;
        Assert.All(await GapsAsync(await stream.RecordedAsync(Ct), [.. sent, .. after.Sent]), gap => Assert.InRange(gap, sent.Count - SenderClock.FramesPerSecond, sent.Count + SenderClock.FramesPerSecond));
    }

    private async Task PullBySrtAsync(Account owner)
    {
        var port = FreePorts.Udp();
        await using var sender = Broadcaster.ListenSrt(port);
        var stream = await OnAir.ProvisionedAsync(platform, owner, $"srt://127.0.0.1:{port}", Ct);
        Assert.False((await stream.GetAsync(Ct)).GetProperty("ingest").TryGetProperty("pushUrl", out _));
        await using Viewer viewer = new(platform, stream);
        viewer.Start();
        await Poll.UntilAsync(() => Task.FromResult(viewer.HasSegments), _startsWithin, "the first segments");
        await sender.SentAsync(sender.Seconds + 6);
        await sender.FinishAsync();
        await viewer.EndAsync(_endsWithin);
        Assert.Equal(0, viewer.Discontinuities);
        var video = await HlsVideo.OpenAsync(await stream.RecordedAsync(Ct));
        Assert.True(video.Video.First().Segments.Sum(segment => segment.Seconds) > 6);
    }

    private static async Task<List<int>> GapsAsync(Uri manifest, IReadOnlyList<long> sent)
    {
        var video = await HlsVideo.OpenAsync(manifest);
        return Pictures.Gaps(sent, await SenderClock.ReadAsync(video.Video.MinBy(track => track.AverageBandwidth)!.Input, 1));
    }

    private async Task<long?> LeaseAsync(OnAir stream) =>
        (await platform.Store.QueryAsync("select lease_token from live_sessions where stream_id = $1", row => row.IsDBNull(0) ? (long?)null : row.GetInt64(0), Ct, stream.Id)).Single();
}
