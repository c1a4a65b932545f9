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

    /// <summary>
    /// Takes the key for a new video, or says whose it is. One whose request gave no sign of life for its lease is taken over,
    /// and that request's upload with it: it can no longer make a second video.
    /// </summary>
    public async Task<KeyResult> TakeAsync(string scope, string key, Guid videoId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await LockOrInsertAsync(transaction, scope, key, videoId, ct) is not { } held)
        {
            await transaction.CommitAsync(ct);
            return new(KeyOutcome.Taken, videoId, null);
        }

        var connection = transaction.Connection;
        if (held.Kept)
        {
            var video = await transaction.LockVideoAsync(held.VideoId, ct);
            if (video is not null && (VideoLifecycle.IsVisible(video.State) || video.State == VideoState.Deleted))
            {
                return new(KeyOutcome.Answered, video.Id, await connection.ScalarAsync<byte[]>("select source_sha256 from videos where id = $1", [video.Id], ct));
            }

            if (held.Leased || video?.State == VideoState.Completing)
            {
                return new(KeyOutcome.InFlight, held.VideoId, null);
            }

            if (video?.State == VideoState.Uploading)
            {
                // A new token is one that its request does not have; the reaper takes the upload apart.
                await connection.ExecuteAsync("update videos set upload_token = nextval('lease_tokens'), upload_lease = now() where id = $1", [video.Id], ct);
            }
        }

        await connection.ExecuteAsync(
            "update idempotency_keys set video_id = $3, lease_until = now() + $4, expires_at = now() + $5 where scope = $1 and key = $2", [scope, key, videoId, _lease, Keep], ct);
        await transaction.CommitAsync(ct);
        return new(KeyOutcome.Taken, videoId, null);
    }

    /// <returns>False when another request has taken the key over.</returns>
    public async Task<bool> RenewAsync(string scope, string key, Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("update idempotency_keys set lease_until = now() + $4 where scope = $1 and key = $2 and video_id = $3", [scope, key, videoId, _lease], ct) == 1;
    }

    /// <summary>
    /// After a failure: the next request with this key is a first one again. Not where the video is there after all (the commit
    /// came through, only its answer was lost) or recovery is still finishing it: the key answers with it.
    /// </summary>
    public async Task ReleaseAsync(string scope, string key, Guid videoId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        await transaction.Connection.ExecuteAsync("select from idempotency_keys where scope = $1 and key = $2 for update", [scope, key], ct);
        if (await transaction.LockVideoAsync(videoId, ct) is null or { State: VideoState.Uploading or VideoState.Aborting })
        {
            await transaction.Connection.ExecuteAsync("delete from idempotency_keys where scope = $1 and key = $2 and video_id = $3", [scope, key, videoId], ct);
        }

        await transaction.CommitAsync(ct);
    }

    /// <summary>Removes what has expired.</summary>
    public async Task<int> ForgetExpiredAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("delete from idempotency_keys where expires_at < now()", [], ct);
    }

    /// <summary>The key's row, locked; null where there was none and it is inserted.</summary>
    private static async Task<HeldKey?> LockOrInsertAsync(LifecycleTransaction transaction, string scope, string key, Guid videoId, CancellationToken ct)
    {
        while (await transaction.Connection.ExecuteAsync(
            "insert into idempotency_keys (scope, key, video_id, lease_until, expires_at) values ($1, $2, $3, now() + $4, now() + $5) on conflict do nothing",
            [scope, key, videoId, _lease, Keep], ct) == 0)
        {
            if (await transaction.Connection.FirstAsync(
                "select video_id, lease_until > now(), expires_at > now() from idempotency_keys where scope = $1 and key = $2 for update", [scope, key],
                row => new HeldKey(row.GetGuid(0), row.GetBoolean(1), row.GetBoolean(2)), ct) is { } held)
            {
                return held;
            }

            // Released in between: of those who waited for it, one inserts it.
        }

        return null;
    }

    private sealed record HeldKey(Guid VideoId, bool Leased, bool Kept);
}
