using Testing;

namespace EndToEnd.Tests;

/// <summary>The workers' slots, whoever takes them.</summary>
internal static class Pool
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(3);

    /// <summary>
    /// Waits until no stream holds a slot and no task can be run: what tests before this one have left is done. A fault point of tasks that is armed
    /// before that may be taken by one of theirs.
    /// </summary>
    public static Task IdleAsync(Platform platform, CancellationToken ct) => Poll.UntilAsync(
        () => platform.Store.ScalarAsync<string>(
            """
            select coalesce(string_agg(what, ', '), '') from (
                select 'stream ' || stream_id as what from live_sessions where state <> 'closed'
                union all select t.state || ' ' || t.kind || ' of ' || j.kind || ' ' || t.video_id from tasks t join jobs j on j.id = t.job_id
                where t.state in ('runnable', 'leased') and (t.state = 'leased' or j.state in ('queued', 'processing'))) busy
            """, ct),
        busy => busy == "", _within, "an idle pool");
}
