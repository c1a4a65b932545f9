using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;

namespace Lifecycle.Store.Idempotency;

public enum KeyOutcome
{
    /// <summary>The key is this request's: go on, and release it on failure.</summary>
    Taken,

    /// <summary>The first request is still running, or its upload is being recovered.</summary>
    InFlight,

    /// <summary>The first request made a video: give its answer again if the body is the same.</summary>
    Answered,
}

/// <param name="VideoId">The video that the key stands for.</param>
/// <param name="Sha256">The content that it was made from, when answered.</param>
public sealed record KeyResult(KeyOutcome Outcome, Guid VideoId, byte[]? Sha256);

/// <summary>Idempotency-Key, scoped to principal and route; shared by all replicas.</summary>
public sealed class IdempotencyStore(LifecycleDatabase database)
{
    /// <summary>How long an answer is kept: longer than any client retries.</summary>
    public static readonly TimeSpan Keep = TimeSpan.FromHours(24);

    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(30);

    public async Task<KeyResult> TakeAsync(string scope, string key, Guid videoId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        var inserted = await connection.ExecuteAsync(
            "insert into idempotency_keys (scope, key, video_id, lease_until, expires_at) values ($1, $2, $3, now() + $4, now() + $5) on conflict do nothing",
            [scope, key, videoId, _lease, Keep], ct);
        if (inserted == 1)
        {
            await transaction.CommitAsync(ct);
            return new(KeyOutcome.Taken, videoId, null);
        }

        var held = await connection.FirstAsync(
            """
            select k.video_id, v.state, v.source_sha256, k.lease_until > now(), k.expires_at > now()
            from idempotency_keys k left join videos v on v.id = k.video_id where k.scope = $1 and k.key = $2 for update of k
            """, [scope, key],
            row => new { VideoId = row.GetGuid(0), State = row.GetNullable<string>(1), Sha256 = row.GetNullable<byte[]>(2), Leased = row.GetBoolean(3), Kept = row.GetBoolean(4) }, ct);
        VideoState? state = held?.State is { } name ? VideoLifecycle.Table.Parse(name) : null;
        if (held is { Kept: true })
        {
            if (state is { } finished && (VideoLifecycle.IsVisible(finished) || finished == VideoState.Deleted))
            {
                return new(KeyOutcome.Answered, held.VideoId, held.Sha256);
            }

            if (held.Leased || state == VideoState.Completing)
            {
                return new(KeyOutcome.InFlight, held.VideoId, null);
            }
        }

        await connection.ExecuteAsync(
            """
            insert into idempotency_keys (scope, key, video_id, lease_until, expires_at) values ($1, $2, $3, now() + $4, now() + $5)
            on conflict (scope, key) do update set video_id = excluded.video_id, lease_until = excluded.lease_until, expires_at = excluded.expires_at
            """, [scope, key, videoId, _lease, Keep], ct);
        await transaction.CommitAsync(ct);
        return new(KeyOutcome.Taken, videoId, null);
    }

    public async Task RenewAsync(string scope, string key, Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("update idempotency_keys set lease_until = now() + $4 where scope = $1 and key = $2 and video_id = $3", [scope, key, videoId, _lease], ct);
    }

    /// <summary>After a failure: the next request with this key is a first one again, unless recovery is still finishing the upload.</summary>
    public async Task ReleaseAsync(string scope, string key, Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            """
            delete from idempotency_keys k where k.scope = $1 and k.key = $2 and k.video_id = $3
            and not exists (select from videos v where v.id = k.video_id and v.state = $4)
            """, [scope, key, videoId, VideoLifecycle.Table.NameOf(VideoState.Completing)], ct);
    }

    /// <summary>Removes what has expired.</summary>
    public async Task<int> ForgetExpiredAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("delete from idempotency_keys where expires_at < now()", [], ct);
    }
}
