using Lifecycle.Store.Database;

namespace Lifecycle.Store.Limiting;

/// <summary>How fast a bucket fills, and how much it holds.</summary>
/// <param name="Policy">What clients see in RateLimit-Policy.</param>
/// <param name="PerSecond">Tokens that come back in a second.</param>
/// <param name="Burst">Tokens of a full bucket.</param>
public sealed record RateLimit(string Policy, double PerSecond, int Burst)
{
    /// <summary>The time in which one token comes back; whole microseconds, as Postgres counts.</summary>
    public TimeSpan Cost { get; } = TimeSpan.FromMicroseconds(Math.Ceiling(1_000_000 / PerSecond));

    /// <summary>The time in which an empty bucket fills.</summary>
    public TimeSpan Window => Burst * Cost;
}

/// <summary>What a bucket said.</summary>
/// <param name="Debt">The time after which the bucket is full again.</param>
public sealed record RateDecision(RateLimit Limit, bool Admitted, TimeSpan Debt)
{
    /// <summary>Requests that would be admitted now.</summary>
    public long Remaining => Math.Max(0, (Limit.Window - Debt).Ticks / Limit.Cost.Ticks);

    public int FullAfterSeconds => Seconds(Debt);

    /// <summary>When the next request is admitted; at least one second.</summary>
    public int RetryAfterSeconds => Math.Max(1, Seconds(Debt + Limit.Cost - Limit.Window));

    private static int Seconds(TimeSpan time) => (int)Math.Ceiling(Math.Max(0, time.TotalSeconds));
}

/// <summary>
/// Token buckets that all replicas share. A bucket is the time at which it is full again (the generic cell rate algorithm), so one
/// statement under the row's lock takes a token or refuses. Its clock is the request's arrival at the database: read once, for
/// else a request that waited for the lock could be admitted by one reading and refused by the next.
/// </summary>
public sealed class RateBuckets(LifecycleDatabase database)
{
    /// <summary>A bucket that has been full for so long is removed: no row is a full bucket.</summary>
    private static readonly TimeSpan _keepFull = TimeSpan.FromMinutes(1);

    public async Task<RateDecision> TakeAsync(string key, RateLimit limit, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return (await connection.FirstAsync(
            """
            insert into rate_buckets as bucket (key, full_at, seen_at, admitted) select $1, arrived + $2, arrived, true from clock_timestamp() arrived
            on conflict (key) do update set
                admitted = greatest(bucket.full_at, excluded.seen_at) + $2 <= excluded.seen_at + $3,
                full_at = greatest(bucket.full_at, excluded.seen_at)
                    + case when greatest(bucket.full_at, excluded.seen_at) + $2 <= excluded.seen_at + $3 then $2 else interval '0' end,
                seen_at = excluded.seen_at
            returning admitted, full_at - seen_at
            """, [key, limit.Cost, limit.Window], row => new RateDecision(limit, row.GetBoolean(0), row.GetTimeSpan(1)), ct))!;
    }

    /// <summary>Gives a token back that was taken for nothing.</summary>
    public async Task ReturnAsync(string key, RateLimit limit, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("update rate_buckets set full_at = full_at - $2 where key = $1", [key, limit.Cost], ct);
    }

    /// <summary>Removes the buckets that are full again.</summary>
    public async Task<int> ForgetFullAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("delete from rate_buckets where full_at < now() - $1", [_keepFull], ct);
    }
}
