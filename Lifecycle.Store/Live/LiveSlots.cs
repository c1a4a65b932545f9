using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;
using Lifecycle.Store.Workers;

namespace Lifecycle.Store.Live;

/// <summary>What came of asking for slots.</summary>
/// <param name="Reserved">The session is there.</param>
/// <param name="Refusal">Why not; null where no worker is up, which passes.</param>
public sealed record SlotReservation(bool Reserved, string? Refusal);

/// <summary>The pool's slots as live sessions hold them: never more than the workers have that are up.</summary>
public static class LiveSlots
{
    /// <summary>A session encodes in real time what one slot carries.</summary>
    public const int PerSession = 1;

    /// <summary>Any constant: it names this lock among the database's advisory locks.</summary>
    private const long AdvisoryLock = 0x56_50_4c_49_56_45; // "VPLIVE"

    /// <summary>Reserves a session's slots for a locked stream, once.</summary>
    public static async Task<SlotReservation> ReserveAsync(LifecycleTransaction transaction, string streamId, CancellationToken ct)
    {
        var connection = transaction.Connection;

        // Two that count at once would both find the last slot free. A statement of its own: the count must begin behind the lock.
        await connection.ExecuteAsync("select pg_advisory_xact_lock($1)", [AdvisoryLock], ct);
        var (sessions, held, slots) = await connection.FirstAsync(
            """
            select count(*), coalesce(sum(slots), 0)::int, (select coalesce(sum(slots), 0)::int from workers where last_seen >= clock_timestamp() - $3)
            from live_sessions where state = any($2) and stream_id <> $1
            """, [streamId, HoldingStates, WorkerRegistry.OfflineAfter], row => (row.GetInt64(0), row.GetInt32(1), row.GetInt32(2)), ct);
        if (slots == 0)
        {
            return new(false, null);
        }

        if (held + PerSession > slots)
        {
            return new(false, $"The pool is full: {sessions} live {(sessions == 1 ? "session holds" : "sessions hold")} {held} of {slots} {(slots == 1 ? "slot" : "slots")}.");
        }

        await connection.ExecuteAsync(
            "insert into live_sessions (stream_id, state, slots) values ($1, $2, $3) on conflict (stream_id) do nothing",
            [streamId, LiveSessionLifecycle.Table.NameOf(LiveSessionLifecycle.Table.Initial(LiveSessionTrigger.Provisioned)), PerSession], ct);
        return new(true, null);
    }

    private static string[] HoldingStates { get; } = [.. Enum.GetValues<LiveSessionState>().Where(LiveSessionLifecycle.HoldsSlots).Select(LiveSessionLifecycle.Table.NameOf)];
}
