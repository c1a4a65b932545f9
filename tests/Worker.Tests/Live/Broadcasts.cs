using System.Globalization;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Testing;
using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>Whole broadcasts: a real RTMP server, a real broadcaster, the product's worker, real stores.</summary>
public sealed class Broadcasts(Servers servers) : LiveTest(servers)
{
    [Fact]
    public async Task A_broadcast_is_listed_in_segments_of_two_seconds_and_becomes_a_video()
    {
        var id = await ProvisionAsync();
        await using var worker = WorkerProcess.Start(Store);
        await EncodingAsync(id);

        var push = Ingest.Push(id, await LiveSources.PushAsync("25", 21));
        await Store.ReadyAsync(id, Patience);
        Assert.InRange((TimeProvider.System.GetUtcNow() - (await Store.SegmentsAsync(id))[0].At).TotalSeconds, 2, 6);
        await Store.UntilStatusAsync(id, "LIVE", Patience);
        await push.WaitForExitAsync(Ct);
        await Store.UntilStatusAsync(id, "COMPLETE", Patience);

        var segments = await Store.SegmentsAsync(id);
        var last = segments.Max(each => each.Sequence);
        Assert.Equal(["180p", "audio"], segments.Select(each => each.Track).Distinct().Order());
        Assert.Equal(Enumerable.Range(0, (int)last + 1).Select(each => (long)each), segments.Where(each => each.Track == "180p").Select(each => each.Sequence));
        Assert.All(segments.Where(each => each.Track == "180p" && each.Sequence < last), each => Assert.Equal(2.0, each.Duration, 6));
        Assert.All(segments.Where(each => each.Track == "audio" && each.Sequence < last), each => Assert.InRange(each.Duration, 1.978, 2.022));
        foreach (var track in segments.GroupBy(each => each.Track))
        {
            Assert.All(track.Zip(track.Skip(1)), pair => Assert.InRange((pair.Second.At - pair.First.At).TotalSeconds - pair.First.Duration, -0.001, 0.001));
        }

        var picture = await Store.JoinAsync(id, 1, "180p");
        Assert.InRange(await LiveFiles.DecodeAsync(picture), (21 * 25) - 2, (21 * 25) + 2);
        Assert.InRange(await LiveFiles.DecodeAsync(await Store.JoinAsync(id, 1, "audio")), (int)(20.8 * 48_000 / 1024), (int)(21.3 * 48_000 / 1024));
        Assert.InRange(await RecordedSecondsAsync(id), 20.5, 21.5);
        Assert.Equal("A match", await Store.ScalarAsync<string>("select file_name from videos", Ct));
    }

    [Fact]
    public async Task A_broadcast_that_comes_back_goes_on_in_a_new_generation_and_the_recording_has_both()
    {
        var id = await ProvisionAsync();
        await using var worker = WorkerProcess.Start(Store);
        await EncodingAsync(id);
        var first = Ingest.Push(id, await LiveSources.PushAsync("25", 7));
        await Store.ReadyAsync(id, Patience);
        await first.WaitForExitAsync(Ct);
        var second = Ingest.Push(id, await LiveSources.PushAsync("50", 8));
        await second.WaitForExitAsync(Ct);
        await Store.UntilStatusAsync(id, "COMPLETE", Patience);

        var segments = (await Store.SegmentsAsync(id)).Where(each => each.Track == "180p").ToList();
        Assert.Equal(Enumerable.Range(0, segments.Count).Select(each => (long)each), segments.Select(each => each.Sequence));
        Assert.Equal([1, 2], segments.Select(each => each.Generation).Distinct());
        Assert.All(segments.Zip(segments.Skip(1)), pair => Assert.True(pair.Second.At >= pair.First.At + TimeSpan.FromSeconds(pair.First.Duration - 0.001)));
        Assert.InRange(await LiveFiles.DecodeAsync(await Store.JoinAsync(id, 1, "180p")), (7 * 25) - 2, (7 * 25) + 2);
        Assert.InRange(await LiveFiles.DecodeAsync(await Store.JoinAsync(id, 2, "180p")), (8 * 50) - 4, (8 * 50) + 4);
        Assert.InRange(await RecordedSecondsAsync(id), 14, 16);
    }

    [Fact]
    public async Task When_the_worker_is_killed_another_goes_on_within_ten_seconds()
    {
        var id = await ProvisionAsync();
        await using var first = WorkerProcess.Start(Store);
        await EncodingAsync(id);
        await using var second = WorkerProcess.Start(Store);
        Ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await Store.ReadyAsync(id, Patience);
        await Store.UntilSegmentsAsync(id, 1, 3, Patience);
        var killed = TimeProvider.System.GetTimestamp();
        await first.KillAsync();
        await Poll.UntilAsync(async () => await Store.SessionAsync(id, "worker_id") != "worker-0" && await Store.SessionAsync(id, "state") == "encoding", TimeSpan.FromSeconds(10), "the other worker's claim");
        Assert.InRange(TimeProvider.System.GetElapsedTime(killed).TotalSeconds, 0, 10);
        await Store.UntilSegmentsAsync(id, 2, 2, Patience);
        Assert.Equal("LIVE", await Store.StreamAsync(id, "status"));
        Assert.InRange(await LiveFiles.DecodeAsync(await Store.JoinAsync(id, 2, "180p")), 90, 1500);
    }

    [Fact]
    public async Task A_worker_that_was_stopped_past_its_lease_lists_nothing_more()
    {
        var id = await ProvisionAsync();
        await using var zombie = WorkerProcess.Start(Store);
        await EncodingAsync(id);
        await using var second = WorkerProcess.Start(Store);
        Ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await Store.ReadyAsync(id, Patience);
        await Store.UntilSegmentsAsync(id, 1, 2, Patience);
        var token = (await Store.SegmentsAsync(id))[0].Token;
        await Signals.SendAsync("STOP", zombie.Pid);
        await Store.UntilSegmentsAsync(id, 2, 1, Patience);
        await Signals.SendAsync("CONT", zombie.Pid);
        await Poll.UntilAsync(() => Task.FromResult(zombie.Output.Contains("no longer encoded here", StringComparison.Ordinal)), Patience, "the zombie's end");
        await Store.UntilSegmentsAsync(id, 2, 4, Patience);

        var segments = await Store.SegmentsAsync(id);
        Assert.All(segments.Where(each => each.Generation == 1), each => Assert.Equal(token, each.Token));
        Assert.All(segments.Where(each => each.Generation == 2), each => Assert.NotEqual(token, each.Token));
        Assert.Equal(segments.OrderBy(each => each.Generation).ThenBy(each => each.Sequence).Select(each => each.Sequence), segments.Select(each => each.Sequence));
        Assert.Equal(0, await Store.ScalarAsync<long>("select count(*) from live_recordings where stream_id = $1 and generation = 2 and object_key like $2", Ct, id, $"{ObjectKeys.Stream(id)}{token}/%"));
    }

    [Fact]
    public async Task A_worker_that_stops_in_order_lists_what_it_has_and_gives_the_session_back()
    {
        var id = await ProvisionAsync();
        await using var first = WorkerProcess.Start(Store);
        await EncodingAsync(id);
        Ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await Store.ReadyAsync(id, Patience);
        await Store.UntilSegmentsAsync(id, 1, 2, Patience);
        await Signals.SendAsync("TERM", first.Pid);
        await first.ExitedAsync();
        Assert.Equal("reserved", await Store.SessionAsync(id, "state"));
        await using var second = WorkerProcess.Start(Store);
        await Store.UntilSegmentsAsync(id, 2, 2, Patience);
    }

    [Theory]
    [InlineData("LiveBeforeCommit", 0)]
    [InlineData("LiveAfterCommit", 1)]
    public async Task A_kill_around_a_commit_leaves_a_whole_list(string point, int listed)
    {
        var id = await ProvisionAsync();
        await using var first = WorkerProcess.Start(Store);
        await EncodingAsync(id);
        FaultFile.Arm(first.Faults, point, "kill");
        Ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await first.ExitedAsync();
        Assert.Equal(listed, (await Store.SegmentsAsync(id)).Select(each => each.Sequence).Distinct().Count());
        await using var second = WorkerProcess.Start(Store);
        await Store.UntilSegmentsAsync(id, listed + 1, 3, Patience);
        Assert.All((await Store.SegmentsAsync(id)).GroupBy(each => each.Sequence), set => Assert.Equal(2, set.Count()));
    }

    [Fact]
    public async Task A_kill_inside_the_recording_leaves_one_video()
    {
        var id = await ProvisionAsync();
        await using var first = WorkerProcess.Start(Store);
        await EncodingAsync(id);
        FaultFile.Arm(first.Faults, "LiveRecordingStored", "kill");
        Ingest.Push(id, await LiveSources.PushAsync("25", 7));
        await Store.ReadyAsync(id, Patience);
        await first.ExitedAsync();
        Assert.Equal("recording", await Store.SessionAsync(id, "state"));
        Assert.Equal(0, await Store.ScalarAsync<long>("select count(*) from videos", Ct));
        await using var second = WorkerProcess.Start(Store);
        Assert.InRange(await RecordedSecondsAsync(id), 6.5, 7.5);
    }

    [Fact]
    public async Task A_broadcast_ends_when_it_has_lasted_as_long_as_one_may()
    {
        var id = await ProvisionAsync();
        await using var worker = WorkerProcess.Start(Store, ("Worker:LiveHoursMost", "0.004"));
        await EncodingAsync(id);
        Ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await Store.ReadyAsync(id, Patience);
        await Store.UntilStatusAsync(id, "COMPLETE", Patience);
        Assert.Equal("A broadcast lasts 0.004 h at most.", await Store.StreamAsync(id, "status_reason"));
        Assert.InRange(await RecordedSecondsAsync(id), 12, 30);
    }

    [Fact]
    public async Task An_input_that_is_away_is_taken_from_the_backup()
    {
        var id = await Store.ProvisionAsync("rtmp://127.0.0.1:1/live/nobody", Ingest.UrlOf("backup"));
        await using var worker = WorkerProcess.Start(Store);
        Ingest.Push("backup", await LiveSources.PushAsync("25", 60));
        await Store.UntilSegmentsAsync(id, 1, 2, Patience);
    }

    private async Task<string> ProvisionAsync()
    {
        var id = await Store.ProvisionAsync("rtmp://127.0.0.1/placeholder");
        await Store.QueryAsync("update streams set ingest_endpoints = jsonb_build_array(jsonb_build_object('protocol', 'rtmp', 'url', $2)) where id = $1", _ => 0, Ct, id, Ingest.UrlOf(id));
        return id;
    }

    private async Task EncodingAsync(string id)
    {
        await Poll.UntilAsync(async () => await Store.SessionAsync(id, "state") == "encoding", Patience, "a worker's claim");
        await Ingest.UntilPlayedAsync(Patience);
    }

    /// <summary>Of the video that the recording becomes, once it is there.</summary>
    private async Task<double> RecordedSecondsAsync(string id)
    {
        await Poll.UntilAsync(async () => await Store.SessionAsync(id, "state") == "closed", Patience, "the recording");
        var videoId = Guid.Parse((await Store.StreamAsync(id, "video_id"))!, CultureInfo.InvariantCulture);
        Assert.Equal(1, await Store.ScalarAsync<long>("select count(*) from jobs where video_id = $1 and kind = 'ingest'", Ct, videoId));
        var path = Path.Combine(Sources.NewFolder("recording"), "source.ts");
        Assert.True(await Store.Get<ObjectStore>().DownloadAsync(ObjectKeys.Source(videoId), path, Ct));
        Assert.Equal(new FileInfo(path).Length, await Store.ScalarAsync<long>("select source_bytes from videos where id = $1", Ct, videoId));
        return await LiveFiles.SecondsAsync(path);
    }
}
