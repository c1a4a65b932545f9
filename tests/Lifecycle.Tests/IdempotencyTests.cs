using Lifecycle.Contracts;
using Lifecycle.Store.Idempotency;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>A key makes one video, whatever becomes of the requests that carry it.</summary>
public sealed class IdempotencyTests(Servers servers) : IAsyncLifetime
{
    private const string Scope = "anonymous POST /upload";

    private readonly string _key = $"{Guid.NewGuid()}";
    private TestStore _store = null!;

    private IdempotencyStore Keys => _store.Get<IdempotencyStore>();

    private UploadStore Uploads => _store.Get<UploadStore>();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task A_key_stays_with_a_video_whose_commit_was_made_but_not_answered()
    {
        var (video, token) = await BeginAsync();
        await SendAsync(video, token);
        await Keys.ReleaseAsync(Scope, _key, video, Ct);
        Assert.Equal((KeyOutcome.InFlight, video), await TakeAsync());
        await Uploads.VerifiedAsync(video, Ct);
        await Keys.ReleaseAsync(Scope, _key, video, Ct);
        Assert.Equal((KeyOutcome.Answered, video), await TakeAsync());
    }

    [Fact]
    public async Task A_failure_frees_the_key_before_and_after_the_upload_s_row_is_gone()
    {
        var (video, token) = await BeginAsync();
        await Keys.ReleaseAsync(Scope, _key, video, Ct);
        var (second, _) = await BeginAsync();
        await Uploads.AbandonAsync(video, token, Ct);
        await Uploads.ForgetAsync(video, Ct);
        await Keys.ReleaseAsync(Scope, _key, video, Ct); // no longer this upload's key
        Assert.Equal((KeyOutcome.InFlight, second), await TakeAsync());
        await Keys.ReleaseAsync(Scope, _key, second, Ct);
        Assert.Equal(KeyOutcome.Taken, (await TakeAsync()).Outcome);
    }

    [Fact]
    public async Task An_upload_that_stalled_until_its_key_was_taken_over_makes_no_video_and_is_reaped()
    {
        var (stalled, token) = await BeginAsync();
        await LapseAsync();
        var (second, secondToken) = await BeginAsync();
        Assert.False(await Uploads.RenewAsync(stalled, token, Ct));
        Assert.False(await Keys.RenewAsync(Scope, _key, stalled, Ct));
        Assert.Equal(MoveOutcome.Missing, await Uploads.BytesSentAsync(stalled, token, 10, new byte[32], Ct));
        Assert.Equal(stalled, Assert.Single(await Uploads.TakeOverExpiredAsync(10, Ct)).VideoId);
        await SendAsync(second, secondToken);
        await Uploads.VerifiedAsync(second, Ct);
        Assert.Equal((KeyOutcome.Answered, second), await TakeAsync());
    }

    [Fact]
    public async Task An_upload_whose_key_was_taken_over_before_its_row_was_there_finds_out()
    {
        var stalled = Guid.CreateVersion7();
        await Keys.TakeAsync(Scope, _key, stalled, Ct);
        await LapseAsync();
        await BeginAsync();
        await Uploads.BeginAsync(stalled, null, "a.mp4", Ct);
        Assert.False(await Keys.RenewAsync(Scope, _key, stalled, Ct));
    }

    [Fact]
    public async Task A_key_whose_bytes_are_all_sent_is_not_taken_over()
    {
        var (video, token) = await BeginAsync();
        await SendAsync(video, token);
        await LapseAsync();
        Assert.Equal((KeyOutcome.InFlight, video), await TakeAsync());
        await Uploads.VerifiedAsync(video, Ct);
        Assert.Equal((KeyOutcome.Answered, video), await TakeAsync());
    }

    /// <summary>Both lock key and video: in one order, or they would end each other.</summary>
    [Fact]
    public async Task Requests_that_take_over_and_release_at_once_leave_one_holder()
    {
        for (var round = 0; round < 20; round++)
        {
            var (video, _) = await BeginAsync();
            await LapseAsync();
            var takers = Enumerable.Range(0, 4).Select(_ => Keys.TakeAsync(Scope, _key, Guid.CreateVersion7(), Ct)).ToList();
            await Task.WhenAll([.. takers, Keys.ReleaseAsync(Scope, _key, video, Ct)]);
            List<KeyResult> held = [];
            foreach (var taker in takers)
            {
                held.Add(await taker);
            }

            var holder = Assert.Single(held, result => result.Outcome == KeyOutcome.Taken);
            Assert.All(held, result => Assert.Equal(holder.VideoId, result.VideoId));
            await Keys.ReleaseAsync(Scope, _key, holder.VideoId, Ct);
        }
    }

    private async Task<(Guid Video, long Token)> BeginAsync()
    {
        var (outcome, video) = await TakeAsync();
        Assert.Equal(KeyOutcome.Taken, outcome);
        return (video, await Uploads.BeginAsync(video, null, "a.mp4", Ct));
    }

    private async Task<(KeyOutcome Outcome, Guid Video)> TakeAsync()
    {
        var result = await Keys.TakeAsync(Scope, _key, Guid.CreateVersion7(), Ct);
        return (result.Outcome, result.VideoId);
    }

    private async Task SendAsync(Guid video, long token) => Assert.Equal(MoveOutcome.Moved, await Uploads.BytesSentAsync(video, token, 10, new byte[32], Ct));

    /// <summary>As if the request that holds the key had given no sign of life for its lease.</summary>
    private async Task LapseAsync() => await _store.QueryAsync("update idempotency_keys set lease_until = now() - interval '1 second' where key = $1 returning 1", row => row.GetInt32(0), Ct, _key);
}
