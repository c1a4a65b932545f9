using System.Globalization;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Testing;
using Testing.Media;

namespace Worker.Tests.Live;

/// <summary>Whole broadcasts: a real RTMP server, a real broadcaster, the product's worker, real stores.</summary>
public sealed class Broadcasts(Servers servers) : IAsyncLifetime
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private TestStore _store = null!;
    private Ingest _ingest = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        _ingest = await Ingest.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _ingest.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task A_broadcast_is_listed_in_segments_of_two_seconds_and_becomes_a_video()
    {
        var id = await ProvisionAsync();
        await using var worker = WorkerProcess.Start(_store);
        await EncodingAsync(id);

        var push = _ingest.Push(id, await LiveSources.PushAsync("25", 21));
        await _store.ReadyAsync(id, _patience);
        Assert.InRange((TimeProvider.System.GetUtcNow() - (await _store.SegmentsAsync(id))[0].At).TotalSeconds, 2, 6);
        await _store.UntilStatusAsync(id, "LIVE", _patience);
        await push.WaitForExitAsync(Ct);
        await _store.UntilStatusAsync(id, "COMPLETE", _patience);

        var segments = await _store.SegmentsAsync(id);
        var last = segments.Max(each => each.Sequence);
        Assert.Equal(["180p", "audio"], segments.Select(each => each.Track).Distinct().Order());
        Assert.Equal(Enumerable.Range(0, (int)last + 1).Select(each => (long)each), segments.Where(each => each.Track == "180p").Select(each => each.Sequence));
        Assert.All(segments.Where(each => each.Track == "180p" && each.Sequence < last), each => Assert.Equal(2.0, each.Duration, 6));
        Assert.All(segments.Where(each => each.Track == "audio" && each.Sequence < last), each => Assert.InRange(each.Duration, 1.978, 2.022));
        foreach (var track in segments.GroupBy(each => each.Track))
        {
            Assert.All(track.Zip(track.Skip(1)), pair => Assert.InRange((pair.Second.At - pair.First.At).TotalSeconds - pair.First.Duration, -0.001, 0.001));
        }

        var picture = await _store.JoinAsync(id, 1, "180p");
        Assert.InRange(await LiveFiles.DecodeAsync(picture), (21 * 25) - 2, (21 * 25) + 2);
        Assert.InRange(await LiveFiles.DecodeAsync(await _store.JoinAsync(id, 1, "audio")), (int)(20.8 * 48_000 / 1024), (int)(21.3 * 48_000 / 1024));
        Assert.InRange(await RecordedSecondsAsync(id), 20.5, 21.5);
        Assert.Equal("A match", await _store.ScalarAsync<string>("select file_name from videos", Ct));
    }

    [Fact]
    public async Task A_broadcast_that_comes_back_goes_on_in_a_new_generation_and_the_recording_has_both()
    {
        var id = await ProvisionAsync();
        await using var worker = WorkerProcess.Start(_store);
        await EncodingAsync(id);
        var first = _ingest.Push(id, await LiveSources.PushAsync("25", 7));
        await _store.ReadyAsync(id, _patience);
        await first.WaitForExitAsync(Ct);
        var second = _ingest.Push(id, await LiveSources.PushAsync("50", 8));
        await second.WaitForExitAsync(Ct);
        await _store.UntilStatusAsync(id, "COMPLETE", _patience);

        var segments = (await _store.SegmentsAsync(id)).Where(each => each.Track == "180p").ToList();
        Assert.Equal(Enumerable.Range(0, segments.Count).Select(each => (long)each), segments.Select(each => each.Sequence));
        Assert.Equal([1, 2], segments.Select(each => each.Generation).Distinct());
        Assert.All(segments.Zip(segments.Skip(1)), pair => Assert.True(pair.Second.At >= pair.First.At + TimeSpan.FromSeconds(pair.First.Duration - 0.001)));
        Assert.InRange(await LiveFiles.DecodeAsync(await _store.JoinAsync(id, 1, "180p")), (7 * 25) - 2, (7 * 25) + 2);
        Assert.InRange(await LiveFiles.DecodeAsync(await _store.JoinAsync(id, 2, "180p")), (8 * 50) - 4, (8 * 50) + 4);
        Assert.InRange(await RecordedSecondsAsync(id), 14, 16);
    }

    [Fact]
    public async Task When_the_worker_is_killed_another_goes_on_within_ten_seconds()
    {
        var id = await ProvisionAsync();
        await using var first = WorkerProcess.Start(_store);
        await EncodingAsync(id);
        await using var second = WorkerProcess.Start(_store);
        _ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await _store.ReadyAsync(id, _patience);
        await _store.UntilSegmentsAsync(id, 1, 3, _patience);
        var killed = TimeProvider.System.GetTimestamp();
        await first.KillAsync();
        await Poll.UntilAsync(async () => await _store.SessionAsync(id, "worker_id") != "worker-0" && await _store.SessionAsync(id, "state") == "encoding", TimeSpan.FromSeconds(10), "the other worker's claim");
        Assert.InRange(TimeProvider.System.GetElapsedTime(killed).TotalSeconds, 0, 10);
        await _store.UntilSegmentsAsync(id, 2, 2, _patience);
        Assert.Equal("LIVE", await _store.StreamAsync(id, "status"));
        Assert.InRange(await LiveFiles.DecodeAsync(await _store.JoinAsync(id, 2, "180p")), 90, 1500);
    }

    [Fact]
    public async Task A_worker_that_was_stopped_past_its_lease_lists_nothing_more()
    {
        var id = await ProvisionAsync();
        await using var zombie = WorkerProcess.Start(_store);
        await EncodingAsync(id);
        await using var second = WorkerProcess.Start(_store);
        _ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await _store.ReadyAsync(id, _patience);
        await _store.UntilSegmentsAsync(id, 1, 2, _patience);
        var token = (await _store.SegmentsAsync(id))[0].Token;
        await Signals.SendAsync("STOP", zombie.Pid);
        await _store.UntilSegmentsAsync(id, 2, 1, _patience);
        await Signals.SendAsync("CONT", zombie.Pid);
        await Poll.UntilAsync(() => Task.FromResult(zombie.Output.Contains("no longer encoded here", StringComparison.Ordinal)), _patience, "the zombie's end");
        await _store.UntilSegmentsAsync(id, 2, 4, _patience);

        var segments = await _store.SegmentsAsync(id);
        Assert.All(segments.Where(each => each.Generation == 1), each => Assert.Equal(token, each.Token));
        Assert.All(segments.Where(each => each.Generation == 2), each => Assert.NotEqual(token, each.Token));
        Assert.Equal(segments.OrderBy(each => each.Generation).ThenBy(each => each.Sequence).Select(each => each.Sequence), segments.Select(each => each.Sequence));
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from live_recordings where stream_id = $1 and generation = 2 and object_key like $2", Ct, id, $"{ObjectKeys.Stream(id)}{token}/%"));
    }

    [Fact]
    public async Task A_worker_that_stops_in_order_lists_what_it_has_and_gives_the_session_back()
    {
        var id = await ProvisionAsync();
        await using var first = WorkerProcess.Start(_store);
        await EncodingAsync(id);
        _ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await _store.ReadyAsync(id, _patience);
        await _store.UntilSegmentsAsync(id, 1, 2, _patience);
        await Signals.SendAsync("TERM", first.Pid);
        await first.ExitedAsync();
        Assert.Equal("reserved", await _store.SessionAsync(id, "state"));
        await using var second = WorkerProcess.Start(_store);
        await _store.UntilSegmentsAsync(id, 2, 2, _patience);
    }

    [Theory]
    [InlineData("LiveBeforeCommit", 0)]
    [InlineData("LiveAfterCommit", 1)]
    public async Task A_kill_around_a_commit_leaves_a_whole_list(string point, int listed)
    {
        var id = await ProvisionAsync();
        await using var first = WorkerProcess.Start(_store);
        await EncodingAsync(id);
        await File.WriteAllTextAsync(Path.Combine(first.Faults, point), "kill", Ct);
        _ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await first.ExitedAsync();
        Assert.Equal(listed, (await _store.SegmentsAsync(id)).Select(each => each.Sequence).Distinct().Count());
        await using var second = WorkerProcess.Start(_store);
        await _store.UntilSegmentsAsync(id, listed + 1, 3, _patience);
        Assert.All((await _store.SegmentsAsync(id)).GroupBy(each => each.Sequence), set => Assert.Equal(2, set.Count()));
    }

    [Fact]
    public async Task A_kill_inside_the_recording_leaves_one_video()
    {
        var id = await ProvisionAsync();
        await using var first = WorkerProcess.Start(_store);
        await EncodingAsync(id);
        await File.WriteAllTextAsync(Path.Combine(first.Faults, "LiveRecordingStored"), "kill", Ct);
        _ingest.Push(id, await LiveSources.PushAsync("25", 7));
        await _store.ReadyAsync(id, _patience);
        await first.ExitedAsync();
        Assert.Equal("recording", await _store.SessionAsync(id, "state"));
        Assert.Equal(0, await _store.ScalarAsync<long>("select count(*) from videos", Ct));
        await using var second = WorkerProcess.Start(_store);
        Assert.InRange(await RecordedSecondsAsync(id), 6.5, 7.5);
    }

    [Fact]
    public async Task A_broadcast_ends_when_it_has_lasted_as_long_as_one_may()
    {
        var id = await ProvisionAsync();
        await using var worker = WorkerProcess.Start(_store, ("Worker:LiveHoursMost", "0.004"));
        await EncodingAsync(id);
        _ingest.Push(id, await LiveSources.PushAsync("25", 60));
        await _store.ReadyAsync(id, _patience);
        await _store.UntilStatusAsync(id, "COMPLETE", _patience);
        Assert.Equal("A broadcast lasts 0.004 h at most.", await _store.StreamAsync(id, "status_reason"));
        Assert.InRange(await RecordedSecondsAsync(id), 12, 30);
    }

    [Fact]
    public async Task An_input_that_is_away_is_taken_from_the_backup()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1:1/live/nobody", _ingest.UrlOf("backup"));
        await using var worker = WorkerProcess.Start(_store);
        _ingest.Push("backup", await LiveSources.PushAsync("25", 60));
        await _store.UntilSegmentsAsync(id, 1, 2, _patience);
    }

    private async Task<string> ProvisionAsync()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/placeholder");
        await _store.QueryAsync("update streams set ingest_endpoints = jsonb_build_array(jsonb_build_object('protocol', 'rtmp', 'url', $2)) where id = $1", _ => 0, Ct, id, _ingest.UrlOf(id));
        return id;
    }

    private async Task EncodingAsync(string id)
    {
        await Poll.UntilAsync(async () => await _store.SessionAsync(id, "state") == "encoding", _patience, "a worker's claim");
        await _ingest.UntilPlayedAsync(_patience);
    }

    /// <summary>Of the video that the recording becomes, once it is there.</summary>
    private async Task<double> RecordedSecondsAsync(string id)
    {
        await Poll.UntilAsync(async () => await _store.SessionAsync(id, "state") == "closed", _patience, "the recording");
        var videoId = Guid.Parse((await _store.StreamAsync(id, "video_id"))!, CultureInfo.InvariantCulture);
        Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from jobs where video_id = $1 and kind = 'ingest'", Ct, videoId));
        var path = Path.Combine(Sources.NewFolder("recording"), "source.ts");
        Assert.True(await _store.Get<ObjectStore>().DownloadAsync(ObjectKeys.Source(videoId), path, Ct));
        Assert.Equal(new FileInfo(path).Length, await _store.ScalarAsync<long>("select source_bytes from videos where id = $1", Ct, videoId));
        return await LiveFiles.SecondsAsync(path);
    }
}
