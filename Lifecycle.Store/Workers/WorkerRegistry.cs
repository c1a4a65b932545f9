using Lifecycle.Store.Database;

namespace Lifecycle.Store.Workers;

/// <summary>A worker as the pool sees it; the names are the contract's.</summary>
/// <param name="Status">IDLE, BUSY or OFFLINE.</param>
public sealed record WorkerView(string Id, string Status);

/// <summary>
/// Who is in the pool. A worker's id is the lowest ordinal whose advisory lock is free: the lock ends with the connection,
/// so that a restarted worker gets its old id back at once and no two live ones share an id.
/// </summary>
public sealed class WorkerRegistry(LifecycleDatabase database)
{
    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(2);

    /// <summary>OFFLINE after three missed beats.</summary>
    internal static readonly TimeSpan OfflineAfter = 3 * Beat + TimeSpan.FromMilliseconds(500);

    internal static readonly TimeSpan ForgottenAfter = TimeSpan.FromMinutes(10);

    /// <summary>Writes that the worker lives and how many of its slots are busy.</summary>
    /// <param name="encoders">The video encoders that its ffmpeg has.</param>
    public Task BeatAsync(string id, Guid instance, int slots, int busy, IReadOnlyCollection<string> encoders, CancellationToken ct) => BeatAsync(id, instance, slots, busy, encoders, null, ct);

    /// <summary>Writes that the worker lives and how many of its slots are busy.</summary>
    /// <param name="encoders">The video encoders that its ffmpeg has.</param>
    /// <param name="livePixelsPerSecond">What a slot encodes in real time; null: not measured yet.</param>
    public async Task BeatAsync(string id, Guid instance, int slots, int busy, IReadOnlyCollection<string> encoders, long? livePixelsPerSecond, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            """
            insert into workers (id, instance, slots, busy, encoders, live_pixels_per_second) values ($1, $2, $3, $4, $5, $6)
            on conflict (id) do update set instance = excluded.instance, slots = excluded.slots, busy = excluded.busy, encoders = excluded.encoders,
                live_pixels_per_second = excluded.live_pixels_per_second, last_seen = now()
            """, [id, instance, slots, busy, encoders.ToArray(), livePixelsPerSecond], ct);
    }

    /// <summary>A worker that stops in order leaves the list.</summary>
    public async Task LeaveAsync(string id, Guid instance, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("delete from workers where id = $1 and instance = $2", [id, instance], ct);
    }

    /// <summary>Removes those that left without a word long ago.</summary>
    public async Task ForgetAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("delete from workers where last_seen < now() - $1", [ForgottenAfter], ct);
    }

    /// <summary>The video encoders that some worker of the pool has; empty where no worker has said so yet.</summary>
    public async Task<IReadOnlyList<string>> EncodersAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync("select distinct unnest(encoders) from workers", [], row => row.GetString(0), ct);
    }

    /// <summary>All known workers, by id.</summary>
    public async Task<IReadOnlyList<WorkerView>> ListAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            """
            select id, case when last_seen < now() - $1 then 'OFFLINE' when busy > 0 then 'BUSY' else 'IDLE' end
            from workers where last_seen > now() - $2 order by length(id), id
            """, [OfflineAfter, ForgottenAfter], row => new WorkerView(row.GetString(0), row.GetString(1)), ct);
    }
}
