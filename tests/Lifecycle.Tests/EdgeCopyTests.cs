using Lifecycle.Contracts;
using Lifecycle.Contracts.Chunks;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Store.Edge;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>Which videos get an edge copy, by their owner's word or by popularity, and what becomes of it; on a real database.</summary>
public sealed class EdgeCopyTests(Servers servers) : IAsyncLifetime
{
    private const int Batch = 50;

    private TestStore _store = null!;

    private EdgeCopies Copies => _store.Get<EdgeCopies>();

    private TaskOutcomes Outcomes => _store.Get<TaskOutcomes>();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_copy_that_is_asked_for_is_placed_once_and_shown()
    {
        var video = await _store.UploadedAsync(Ct);
        Assert.Equal(MoveOutcome.NotAllowed, await Copies.SetAsync(video, isWanted: true, Ct)); // there is nothing to copy yet
        Assert.Equal(MoveOutcome.Missing, await Copies.SetAsync(Guid.NewGuid(), isWanted: true, Ct));
        await FinishAsync();
        Assert.Equal(EdgeState.None, await StateAsync(video));

        Assert.Equal(MoveOutcome.Moved, await Copies.SetAsync(video, isWanted: true, Ct));
        Assert.Equal(MoveOutcome.Moved, await Copies.SetAsync(video, isWanted: true, Ct));
        await Copies.ReconcileAsync(null, Batch, Ct);
        Assert.Equal(EdgeState.Placing, await StateAsync(video));
        var task = await _store.ClaimAsync(Ct);
        Assert.Equal((JobKind.Edge, TaskKind.Finalize, 1), (task.Job, task.Kind, task.Version));
        Assert.NotNull(await Copies.CatalogueAsync(task.JobId, Ct));
        Assert.Equal(RunEnd.Committed, await Outcomes.CompleteJobAsync(task, Ct));
        Assert.Equal(EdgeState.Ready, await StateAsync(video));
        Assert.Equal(task.JobId, (await _store.Get<VideoStore>().PublishedAsync(video, Ct))!.EdgeCopy);
        Assert.Equal(new ServedFrom(1, task.JobId), (await _store.Get<VideoStore>().ServedAmongAsync([video], Ct))[video]);
        Assert.Null((await _store.Get<TaskQueue>().ClaimAsync("worker-0", ClaimRoom.Any, Ct)).Task);
        Assert.Empty(await Copies.UnwantedAsync(Batch, Ct));
    }

    [Fact]
    public async Task A_copy_that_is_refused_is_removed_once_nobody_works_on_it()
    {
        var video = await ReadyAsync();
        await Copies.SetAsync(video, isWanted: true, Ct);
        var task = await _store.ClaimAsync(Ct);
        Assert.Equal(MoveOutcome.Moved, await Copies.SetAsync(video, isWanted: false, Ct));
        Assert.Equal(EdgeState.None, await StateAsync(video));
        Assert.Empty(await Copies.UnwantedAsync(Batch, Ct)); // the task may still be placing chunks
        Assert.Equal(LeaseOrder.Stop, await _store.Get<TaskQueue>().BeatAsync(task, 0, Ct));
        Assert.Null(await Copies.CatalogueAsync(task.JobId, Ct));
        await Outcomes.PreemptAsync(task, Ct);
        Assert.Equal([task.JobId], await Copies.UnwantedAsync(Batch, Ct));
        await Copies.ForgetAsync(task.JobId, Ct);
        Assert.Empty(await Copies.UnwantedAsync(Batch, Ct));
    }

    [Fact]
    public async Task A_copy_that_failed_is_begun_anew_under_another_id_when_it_is_asked_for_again()
    {
        var video = await ReadyAsync();
        await Copies.SetAsync(video, isWanted: true, Ct);
        var task = await _store.ClaimAsync(Ct);
        await Outcomes.FailAsync(task, new(FailureCategory.Media, "Too long.", null, IsPermanent: true), Ct);
        Assert.Equal(EdgeState.Failed, await StateAsync(video));
        await Copies.ReconcileAsync(popularViews: 1, Batch, Ct);
        Assert.Equal(EdgeState.Failed, await StateAsync(video)); // not again and again by itself

        await Copies.SetAsync(video, isWanted: true, Ct);
        Assert.Equal(EdgeState.Placing, await StateAsync(video));
        Assert.NotEqual(task.JobId, (await _store.ClaimAsync(Ct)).JobId);
        Assert.Equal([task.JobId], await Copies.UnwantedAsync(Batch, Ct));
        Assert.Empty(await _store.QueryAsync("select id from dead_letters", row => row.GetGuid(0), Ct)); // a replay would place what is being removed
    }

    [Fact]
    public async Task Popular_videos_get_a_copy_unless_their_owner_has_refused()
    {
        var (popular, unpopular, refused) = (await ReadyAsync(), await ReadyAsync(), await ReadyAsync());
        await Copies.SetAsync(refused, isWanted: false, Ct);
        await Copies.AddViewsAsync(new Dictionary<Guid, long> { [popular] = 60, [unpopular] = 99, [refused] = 500, [Guid.NewGuid()] = 7 }, Ct);
        await Copies.AddViewsAsync(new Dictionary<Guid, long> { [popular] = 40 }, Ct);
        await Copies.ReconcileAsync(null, Batch, Ct);
        Assert.Equal((EdgeState.None, EdgeState.None, EdgeState.None), (await StateAsync(popular), await StateAsync(unpopular), await StateAsync(refused)));
        await Copies.ReconcileAsync(popularViews: 100, Batch, Ct);
        Assert.Equal((EdgeState.Placing, EdgeState.None, EdgeState.None), (await StateAsync(popular), await StateAsync(unpopular), await StateAsync(refused)));
        await Copies.SetAsync(popular, isWanted: false, Ct);
        await Copies.ReconcileAsync(popularViews: 100, Batch, Ct);
        Assert.Equal(EdgeState.None, await StateAsync(popular));
    }

    [Fact]
    public async Task A_new_version_gets_a_copy_of_its_own_and_a_deleted_video_none()
    {
        var video = await ReadyAsync();
        var first = await PlacedAsync(video);
        await _store.QueryAsync(
            "with made as (insert into video_versions (video_id, version, catalogue, conformance, media) select video_id, 2, catalogue, conformance, media from video_versions where video_id = $1) update videos set version = 2 where id = $1",
            _ => 0, Ct, video);
        Assert.Equal(EdgeState.Placing, await StateAsync(video));
        Assert.Null((await _store.Get<VideoStore>().PublishedAsync(video, Ct))!.EdgeCopy);
        await Copies.ReconcileAsync(null, Batch, Ct);
        Assert.Equal([first], await Copies.UnwantedAsync(Batch, Ct));
        var task = await _store.ClaimAsync(Ct);
        Assert.Equal(2, task.Version);
        await Outcomes.CompleteJobAsync(task, Ct);
        Assert.Equal(EdgeState.Ready, await StateAsync(video));

        Assert.Equal(MoveOutcome.Moved, await _store.Get<VideoStore>().DeleteAsync(video, Ct));
        await Copies.ReconcileAsync(null, Batch, Ct);
        Assert.Equal(new[] { first, task.JobId }.Order(), (await Copies.UnwantedAsync(Batch, Ct)).Order());
    }

    [Fact]
    public async Task A_copy_that_was_deleted_at_the_chunk_store_is_placed_anew()
    {
        var video = await ReadyAsync();
        var first = await PlacedAsync(video);
        await Copies.LoseAsync(Guid.NewGuid(), Ct);
        Assert.Equal(EdgeState.Ready, await StateAsync(video));
        await Copies.LoseAsync(first, Ct);
        await Copies.LoseAsync(first, Ct);
        await Copies.ReconcileAsync(null, Batch, Ct);
        Assert.Equal(EdgeState.Placing, await StateAsync(video));
        Assert.NotEqual(first, (await _store.ClaimAsync(Ct)).JobId);
    }

    private async Task<EdgeState> StateAsync(Guid video) => (await _store.Get<VideoLibrary>().FindAsync(video, Ct))!.Edge;

    private async Task<Guid> PlacedAsync(Guid video)
    {
        await Copies.SetAsync(video, isWanted: true, Ct);
        var task = await _store.ClaimAsync(Ct);
        Assert.Equal(RunEnd.Committed, await Outcomes.CompleteJobAsync(task, Ct));
        return task.JobId;
    }

    private async Task<Guid> ReadyAsync()
    {
        var video = await _store.UploadedAsync(Ct);
        await FinishAsync();
        return video;
    }

    /// <summary>Runs the job that is there, in one worker.</summary>
    private async Task FinishAsync()
    {
        await Outcomes.CompletePlanAsync(await _store.ClaimAsync(Ct), "{}", PlannedWork.Of(1, audio: false), Ct);
        await Outcomes.CompletePartAsync(await _store.ClaimAsync(Ct), "{}", Ct);
        Assert.Equal(RunEnd.Committed, await Outcomes.CompleteFinalAsync(await _store.ClaimAsync(Ct), new("""{"version":1,"durationSeconds":1,"video":[],"audio":[]}""", "{}", "{}"), Ct));
    }
}
