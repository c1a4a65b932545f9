using Lifecycle.Store.Database;
using Storage.Metadata.Database;

namespace Storage.Metadata.Repair;

/// <summary>Lets one replica at a time do a duty. It only saves double work: every move is a compare-and-swap, whoever makes it.</summary>
internal sealed class LeaderLock(ChunkDatabase database)
{
    /// <summary>Does nothing while another replica is at it. A replica that dies loses its connection, and the lock with it.</summary>
    public async Task RunAsync(string duty, Func<CancellationToken, Task> pass, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        if (!await connection.ScalarAsync<bool>("select pg_try_advisory_lock(hashtext($1))", [duty], ct))
        {
            return;
        }

        try
        {
            await pass(ct);
        }
        finally
        {
            // Not with the caller's token: the pool would give the connection on, lock and all.
            await connection.ExecuteAsync("select pg_advisory_unlock_all()", [], CancellationToken.None);
        }
    }
}
