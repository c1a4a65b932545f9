using Lifecycle.Contracts;
using Lifecycle.Store.Database;
using Lifecycle.Store.Videos;

namespace Lifecycle.Store.Uploads;

/// <summary>What a holder's beat found.</summary>
public enum LockBeat
{
    Held,

    /// <summary>Another request waits: make durable what has arrived, and go.</summary>
    Wanted,

    /// <summary>The lock is another's: nothing that this one commits counts.</summary>
    Lost,
}

/// <summary>
/// One writer of a session at a time, on any replica. A lock is a lease with a token: every commit of its holder carries it, so
/// that one who was held for dead changes nothing. Who wants a lock says so, and the holder goes at its next beat; one that
/// does not beat loses it with its lease.
/// </summary>
public sealed class UploadLocks(LifecycleDatabase database, UploadStore uploads)
{
    /// <summary>Six beats: what a dead holder costs the next one at most.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(6);

    public static readonly TimeSpan Beat = TimeSpan.FromSeconds(1);

    /// <returns>The lock's token, or null where another holds it, who is told that it is wanted.</returns>
    public async Task<long?> TakeAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        var token = await connection.ScalarAsync<long>(
            """
            update upload_sessions set lock_token = nextval('lease_tokens'), lock_until = now() + $2, lock_wanted = false
            where id = $1 and (lock_token is null or lock_until < now()) returning lock_token
            """, [id, Lease], ct);
        if (token != 0)
        {
            return token;
        }

        await connection.ExecuteAsync("update upload_sessions set lock_wanted = true where id = $1 and lock_token is not null and not lock_wanted", [id], ct);
        return null;
    }

    public async Task<LockBeat> RenewAsync(Guid id, long token, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            "update upload_sessions set lock_until = now() + $3 where id = $1 and lock_token = $2 returning lock_wanted", [id, token, Lease],
            row => (bool?)row.GetBoolean(0), ct) switch
        {
            null => LockBeat.Lost,
            true => LockBeat.Wanted,
            false => LockBeat.Held,
        };
    }

    public async Task ReleaseAsync(Guid id, long token, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("update upload_sessions set lock_token = null, lock_until = null, lock_wanted = false where id = $1 and lock_token = $2", [id, token], ct);
    }

    /// <summary>The upload is durable up to <paramref name="received"/>, in whole parts and the tail.</summary>
    /// <returns>False when the lock was lost: the offset is what it was.</returns>
    public async Task<bool> CommitAsync(Guid id, long token, long received, string? tailKey, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("update upload_sessions set received = $3, tail_key = $4 where id = $1 and lock_token = $2", [id, token, received, tailKey], ct) == 1;
    }

    /// <summary>The last byte is durable: the offset says so in the transaction that makes the video COMPLETING, so that either both hold or none.</summary>
    /// <returns>False when lock or session was lost.</returns>
    public async Task<bool> CommitLastAsync(UploadSession session, long token, TimeSpan life, CancellationToken ct) =>
        await uploads.BytesSentAsync(session.VideoId, session.UploadToken ?? 0, session.TotalBytes, null, async transaction =>
            await transaction.Connection.ExecuteAsync(
                "update upload_sessions set received = total_size, tail_key = null, expires_at = now() + $3 where id = $1 and lock_token = $2", [session.Id, token, life], ct) == 1, ct) == MoveOutcome.Moved;
}
