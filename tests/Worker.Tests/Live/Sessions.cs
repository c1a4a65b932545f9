using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Live;
using Lifecycle.Store.Objects;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Testing;

namespace Worker.Tests.Live;

/// <summary>Claims, leases and what is written under them, on a real database, without an encoder.</summary>
public sealed class Sessions(Servers servers) : IAsyncLifetime
{
    private static readonly LiveRoom _room = new(1, 1, TimeSpan.Zero);

    private TestStore _store = null!;
    private LiveSessionQueue _queue = null!;
    private LiveSegments _segments = null!;
    private LiveRecordings _recordings = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _store = await servers.CreateStoreAsync(Ct);
        StreamMoves moves = new(Options.Create(new StreamOptions()));
        (_queue, _segments, _recordings) = (new(_store.Database, moves), new(_store.Database, moves), new(_store.Database));
    }

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_session_is_one_workers_until_its_lease_runs_out()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var first = await ClaimAsync();
        Assert.Equal((id, LiveSessionState.Encoding, false), (first.StreamId, first.State, first.WasSeen));
        Assert.Null(await _queue.ClaimAsync("worker-1", _room, Ct));
        Assert.NotNull(await _queue.BeatAsync(first, TimeSpan.Zero, Ct));
        await ExecuteAsync("update live_sessions set lease_until = now() - interval '1 s' where stream_id = $1", id);
        var second = await ClaimAsync();
        Assert.True(second.WasSeen);
        Assert.True(second.LeaseToken > first.LeaseToken);
        Assert.Null(await _queue.BeatAsync(first, TimeSpan.Zero, Ct));
        Assert.False(await _queue.GiveBackAsync(first, TimeSpan.Zero, Ct));
        Assert.Null(await _segments.CommitAsync(first, SetOf("a"), Ct));
        Assert.False(await _segments.RecordAsync(first, 1, "live/x", 188, Ct));
        Assert.True(await _queue.GiveBackAsync(second, TimeSpan.Zero, Ct));
        Assert.Equal("reserved", await _store.SessionAsync(id, "state"));
    }

    [Fact]
    public async Task A_stream_that_was_said_to_be_READY_and_gets_no_input_fails_and_frees_its_slot()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        Assert.Null((await _queue.BeatAsync(session, null, Ct))!.Unfed);
        await _store.TellReadyAsync(id);
        await ExecuteAsync("update streams set status_at = now() - interval '16 minutes' where id = $1", id);
        await ExecuteAsync("update live_sessions set created_at = now() - interval '20 minutes' where stream_id = $1", id);
        Assert.True((await _queue.BeatAsync(session, null, Ct))!.Unfed > ProvisionWorkflow.ConfirmationWithin);
        Assert.True(await _queue.FailUnfedAsync(session, "No input came.", Ct));
        Assert.Equal(("FAILED", "closed"), (await _store.StreamAsync(id, "status"), await _store.SessionAsync(id, "state")));
    }

    [Fact]
    public async Task A_READY_stream_whose_input_has_come_is_not_failed()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        await _store.TellReadyAsync(id);
        Assert.Null((await _queue.BeatAsync(session, TimeSpan.Zero, Ct))!.Unfed);
        Assert.False(await _queue.FailUnfedAsync(session, "No input came.", Ct));
        Assert.Equal(("READY", "encoding"), (await _store.StreamAsync(id, "status"), await _store.SessionAsync(id, "state")));
    }

    [Fact]
    public async Task A_worker_that_would_put_tasks_off_waits_a_moment_and_one_without_room_claims_nothing()
    {
        await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        Assert.Null(await _queue.ClaimAsync("worker-0", _room with { After = TimeSpan.FromMinutes(1) }, Ct));
        Assert.Null(await _queue.ClaimAsync("worker-0", _room with { LiveSlots = 0 }, Ct));
        Assert.NotNull(await _queue.ClaimAsync("worker-0", _room, Ct));
    }

    [Fact]
    public async Task The_first_set_confirms_and_the_first_after_READY_goes_live()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        Assert.Equal(1, await _segments.CommitAsync(session, SetOf("a"), Ct));
        Assert.Equal(("ready", "PROVISIONING"), (await _store.StreamAsync(id, "confirmation"), await _store.StreamAsync(id, "status")));
        Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from outbox where type = $1", Ct, StreamWake.Type));
        await _segments.CommitAsync(session, SetOf("b", 1), Ct);
        Assert.Equal("PROVISIONING", await _store.StreamAsync(id, "status"));
        await _store.TellReadyAsync(id);
        await _segments.CommitAsync(session, SetOf("c", 1), Ct);
        await _segments.CommitAsync(session, SetOf("d", 1), Ct);
        Assert.Equal("LIVE", await _store.StreamAsync(id, "status"));
        Assert.Equal(["READY", "LIVE"], await ToldAsync());
    }

    [Fact]
    public async Task READY_by_PUT_is_not_overtaken_by_LIVE()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        await ExecuteAsync("update streams set status = 'READY', confirmation = 'ready' where id = $1", id);
        await _segments.CommitAsync(session, SetOf("a"), Ct);
        Assert.Equal("READY", await _store.StreamAsync(id, "status"));
        Assert.Empty(await ToldAsync());
    }

    [Fact]
    public async Task A_commit_whose_answer_was_lost_is_repeated_without_effect()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        Assert.Equal(1, await _segments.CommitAsync(session, SetOf("a"), Ct));
        Assert.Equal(1, await _segments.CommitAsync(session, SetOf("a"), Ct));
        Assert.Equal(1, await _segments.CommitAsync(session, SetOf("b", 1), Ct));
        Assert.Equal(2000, (await _segments.BeginAsync(session, Ct))!.MediaMilliseconds);
        await Assert.ThrowsAsync<InvalidDataException>(() => _segments.CommitAsync(session, SetOf("c", start: 1999), Ct));
        Assert.Equal(2, await _segments.CommitAsync(session, SetOf("c", start: 2000), Ct)); // another connection
        Assert.Equal([(0L, 1), (1, 1), (2, 2)], (await _store.SegmentsAsync(id)).Select(each => (each.Sequence, each.Generation)));
        Assert.True(await _segments.RecordAsync(session, 1, "live/1", 188, Ct));
        Assert.True(await _segments.RecordAsync(session, 1, "live/1", 188, Ct));
        Assert.Equal(1, Assert.Single(await _recordings.PiecesAsync(id, Ct)).Generation);
    }

    [Fact]
    public async Task Times_do_not_go_back_where_the_next_connection_has_another_ladder()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        Assert.Equal(1, await _segments.CommitAsync(session, SetOf("a"), Ct));
        Assert.Equal(2, await _segments.CommitAsync(session, SetOf("b", start: 2000, track: "240p"), Ct)); // it began a moment later, by another reading of the clock
        var listed = await _store.SegmentsAsync(id);
        Assert.Equal([0L, 1], listed.Select(each => each.Sequence));
        Assert.Equal(listed[0].At + TimeSpan.FromSeconds(listed[0].Duration), listed[1].At);
    }

    [Fact]
    public async Task The_time_between_two_workers_is_forgiven_but_not_to_those_that_cannot_go_on()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        Assert.NotNull(await _queue.BeatAsync(session, TimeSpan.FromSeconds(10), Ct));
        Assert.True(await _queue.GiveBackAsync(session, TimeSpan.Zero, Ct));
        session = await ClaimAsync();
        Assert.InRange((await _queue.BeatAsync(session, null, Ct))!.Away!.Value.TotalSeconds, 0, 5);
        Assert.NotNull(await _queue.BeatAsync(session, TimeSpan.Zero, Ct));
        await ExecuteAsync("update live_sessions set input_at = now() - interval '10 s' where stream_id = $1", id);
        for (var i = 0; i < 2; i++)
        {
            Assert.True(await _queue.GiveBackAsync(session, TimeSpan.FromMilliseconds(1), Ct));
            session = await Poll.UntilAsync(async () => await _queue.ClaimAsync("worker-0", _room, Ct), claimed => claimed is not null, TimeSpan.FromSeconds(5), "the claim") ?? session;
            Assert.InRange((await _queue.BeatAsync(session, null, Ct))!.Away!.Value.TotalSeconds, 10, 20);
        }
    }

    [Fact]
    public async Task A_broadcast_is_complete_when_its_input_stays_away_and_not_before()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        await _segments.CommitAsync(session, SetOf("a"), Ct);
        await _segments.RecordAsync(session, 1, "live/1", 188, Ct);
        var beat = await _queue.BeatAsync(session, TimeSpan.FromSeconds(30), Ct);
        Assert.InRange(beat!.Away!.Value.TotalSeconds, 29, 40);
        Assert.False(await _queue.CompleteAsync(session, TimeSpan.FromSeconds(20), null, Ct)); // READY is not told yet
        await _store.TellReadyAsync(id);
        Assert.False(await _queue.CompleteAsync(session, TimeSpan.FromMinutes(5), null, Ct));
        Assert.True(await _queue.CompleteAsync(session, TimeSpan.FromSeconds(20), null, Ct));
        Assert.Equal(["READY", "LIVE", "COMPLETE"], await ToldAsync());
        Assert.Equal("recording", await _store.SessionAsync(id, "state"));
        Assert.Null(await _queue.BeatAsync(session, null, Ct));
        Assert.Null(await _segments.CommitAsync(session, SetOf("b", 1), Ct));
        Assert.True(await _queue.IsRecordingDueAsync(Ct));
        Assert.Null(await _queue.ClaimAsync("worker-0", _room with { FreeSlots = 0 }, Ct)); // a recording waits for a free slot
    }

    [Fact]
    public async Task A_stream_that_was_said_to_be_complete_keeps_what_its_encoder_still_has()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        await _segments.CommitAsync(session, SetOf("a"), Ct);
        await _store.TellReadyAsync(id);
        StreamUpdates updates = new(_store.Database, new(Options.Create(new StreamOptions())), _store.Get<FaultPoints>());
        Assert.Equal(MoveOutcome.Moved, (await updates.UpdateAsync(id, StreamStatus.Live, null, _ => true, Ct)).Outcome);
        Assert.Equal(MoveOutcome.Moved, (await updates.UpdateAsync(id, StreamStatus.Complete, "thanks", _ => true, Ct)).Outcome);
        Assert.Equal(StreamStatus.Complete, (await _queue.BeatAsync(session, TimeSpan.Zero, Ct))!.Status);
        Assert.Equal(1, await _segments.CommitAsync(session, SetOf("b", 1), Ct));
        Assert.True(await _segments.RecordAsync(session, 1, "live/1", 188, Ct));
        await _queue.CloseAsync(session, Ct);
        Assert.Equal(("recording", "COMPLETE"), (await _store.SessionAsync(id, "state"), await _store.StreamAsync(id, "status")));
        Assert.Null(await _queue.BeatAsync(session, null, Ct));
    }

    [Fact]
    public async Task A_stream_that_was_said_to_be_complete_is_closed_where_its_encoder_is_gone()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        await _segments.CommitAsync(await ClaimAsync(), SetOf("a"), Ct);
        await ExecuteAsync("update streams set status = 'COMPLETE' where id = $1", id);
        await ExecuteAsync("update live_sessions set lease_until = now() - interval '1 s' where stream_id = $1", id);
        Assert.Null(await _queue.ClaimAsync("worker-0", _room, Ct));
        Assert.Equal("closed", await _store.SessionAsync(id, "state"));

        // Given back instead, with a recording: that becomes a video.
        id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        await _segments.CommitAsync(session, SetOf("b"), Ct);
        await _segments.RecordAsync(session, 1, "live/1", 188, Ct);
        await ExecuteAsync("update streams set status = 'COMPLETE' where id = $1", id);
        Assert.True(await _queue.GiveBackAsync(session, TimeSpan.Zero, Ct));
        Assert.Null(await _queue.ClaimAsync("worker-0", _room, Ct));
        Assert.Equal("recording", await _store.SessionAsync(id, "state"));
    }

    [Fact]
    public async Task A_recording_fails_for_good_after_five_attempts_and_none_is_spent_while_a_store_is_away()
    {
        var id = await RecordingAsync();
        for (var attempt = 1; attempt <= LiveRecordings.Attempts; attempt++)
        {
            var session = await ClaimAsync();
            Assert.Equal((LiveSessionState.Recording, attempt), (session.State, session.Attempt));
            await _recordings.FailAsync(session, "away", spends: false, Ct);
            await ExecuteAsync("update live_sessions set run_after = now() where stream_id = $1", id);
            await _recordings.FailAsync(await ClaimAsync(), "broken", spends: true, Ct);
            await ExecuteAsync("update live_sessions set run_after = now() where stream_id = $1", id);
        }

        Assert.Equal(("closed", "broken"), (await _store.SessionAsync(id, "state"), await _store.SessionAsync(id, "recording_error")));
        Assert.Null(await _queue.ClaimAsync("worker-0", _room, Ct));
    }

    [Fact]
    public async Task A_recording_becomes_an_uploaded_video_with_its_job_and_its_live_objects_are_swept_once_it_is_READY()
    {
        var id = await RecordingAsync();
        var session = await ClaimAsync();
        using MemoryStream content = new([1, 2, 3]);
        await _store.Get<ObjectStore>().PutAsync(ObjectKeys.StreamOutput(id, 1, "x"), content, Ct);
        Assert.True(await _recordings.FinishAsync(session, 188, Ct));
        Assert.False(await _recordings.FinishAsync(session, 188, Ct));
        var video = Guid.Parse((await _store.StreamAsync(id, "video_id"))!);
        Assert.Equal("UPLOADED", await _store.ScalarAsync<string>("select state from videos where id = $1", Ct, video));
        Assert.Equal(3, await _store.ScalarAsync<long>("select count(*) from video_history where video_id = $1", Ct, video));
        Assert.Equal(1, await _store.ScalarAsync<long>("select count(*) from tasks where video_id = $1", Ct, video));

        LiveSweeper sweeper = new(_store.Database, _store.Get<ObjectStore>(), Options.Create(new StreamOptions { KeepSeconds = 0 }), NullLogger<LiveSweeper>.Instance);
        await sweeper.PassAsync(Ct);
        Assert.Equal(3, await _store.Get<ObjectStore>().SizeAsync(ObjectKeys.StreamOutput(id, 1, "x"), Ct));
        await _store.QueryAsync("update videos set state = 'READY' where id = $1", _ => 0, Ct, video);
        await sweeper.PassAsync(Ct);
        Assert.Null(await _store.Get<ObjectStore>().SizeAsync(ObjectKeys.StreamOutput(id, 1, "x"), Ct));
        Assert.Empty(await _store.SegmentsAsync(id));
        Assert.NotNull(await _store.SessionAsync(id, "swept_at"));
    }

    [Fact]
    public async Task All_that_lost_leases_wrote_goes_with_a_stream_that_FAILED_without_a_recording_and_what_comes_late_goes_later()
    {
        var (objects, moves) = (_store.Get<ObjectStore>(), new StreamMoves(Options.Create(new StreamOptions())));
        LiveSweeper sweeper = new(_store.Database, objects, Options.Create(new StreamOptions { KeepSeconds = 0 }), NullLogger<LiveSweeper>.Instance);
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var lost = await ClaimAsync();
        await PutAsync(lost.LeaseToken, "1/480p-00000.m4s");
        await ExecuteAsync("update live_sessions set lease_until = now() - interval '1 s' where stream_id = $1", id);
        var holder = await ClaimAsync();
        await PutAsync(holder.LeaseToken, "1/480p-00000.m4s");
        Assert.Equal(1, await _segments.CommitAsync(holder, SetOf("a"), Ct));
        await sweeper.PassAsync(Ct);
        Assert.Equal(2, await CountAsync());

        await using (var transaction = await _store.Database.BeginAsync(Ct))
        {
            await moves.MoveAsync(transaction, (await StreamMoves.LockAsync(transaction, id, Ct))!, StreamTrigger.Failed, "broken", tells: true, Ct);
            await StreamMoves.EndSessionAsync(transaction, (await StreamMoves.LockSessionAsync(transaction, id, Ct))!, Ct);
            await transaction.CommitAsync(Ct);
        }

        await sweeper.PassAsync(Ct);
        Assert.Equal(0, await CountAsync());
        Assert.Empty(await _store.SegmentsAsync(id));

        await PutAsync(lost.LeaseToken, "1/480p-00001.m4s"); // an upload that hung in a stopped worker
        await sweeper.PassAsync(Ct);
        Assert.Equal(1, await CountAsync());
        await ExecuteAsync("update live_sessions set swept_at = now() - interval '2 hours' where stream_id = $1", id);
        await sweeper.PassAsync(Ct);
        Assert.Equal((0, "2"), (await CountAsync(), await _store.SessionAsync(id, "sweeps")));

        async Task PutAsync(long token, string name)
        {
            using MemoryStream content = new([1, 2, 3]);
            await objects.PutAsync(ObjectKeys.StreamOutput(id, token, name), content, Ct);
        }

        async Task<int> CountAsync() => await objects.ListAsync(ObjectKeys.Stream(id), Ct).CountAsync(Ct);
    }

    private async Task<string> RecordingAsync()
    {
        var id = await _store.ProvisionAsync("rtmp://127.0.0.1/live/x");
        var session = await ClaimAsync();
        await _segments.CommitAsync(session, SetOf("a"), Ct);
        await _segments.RecordAsync(session, 1, "live/1", 188, Ct);
        await _queue.BeatAsync(session, TimeSpan.FromSeconds(30), Ct);
        await _store.TellReadyAsync(id);
        Assert.True(await _queue.CompleteAsync(session, TimeSpan.FromSeconds(20), null, Ct));
        return id;
    }

    private async Task<ClaimedSession> ClaimAsync() => await _queue.ClaimAsync("worker-0", _room, Ct) ?? throw new InvalidOperationException("Nothing to claim.");

    private static SegmentSet SetOf(string name, int? generation = null, long start = 0, string track = "480p") => new(generation, generation is null ? [new(track, "video", $"{name}-init", 1, "", "avc1", 1, 2, 2, 25)] : [],
        [new(track, $"live/{name}", 1, "", 2, TimeProvider.System.GetUtcNow())], start, start + 2000);

    private async Task ExecuteAsync(string sql, string id) => await _store.QueryAsync(sql, _ => 0, Ct, id);

    private async Task<List<string>> ToldAsync() => await _store.QueryAsync(
        "select convert_from(body, 'UTF8')::jsonb -> 'detail' ->> 'status' from outbox where type = $1 order by id", row => row.GetString(0), Ct, StreamLifecycleProgressed.DetailType);
}
