using Testing;

namespace EndToEnd.Tests.Live;

/// <summary>The pool's slots as live streams take them.</summary>
internal static class LivePool
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    /// <summary>Waits until no stream holds a slot and no task runs: what tests before this one have left is done.</summary>
    public static Task FreeAsync(Platform platform, CancellationToken ct) => Poll.UntilAsync(
        () => platform.Store.ScalarAsync<long>("select (select count(*) from live_sessions where state <> 'closed') + (select count(*) from tasks where state in ('runnable', 'leased'))", ct),
        busy => busy == 0, _within, "an idle pool");
}
