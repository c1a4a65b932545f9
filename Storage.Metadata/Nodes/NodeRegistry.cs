using Lifecycle.Store.Database;
using Npgsql;
using Storage.Metadata.Database;

namespace Storage.Metadata.Nodes;

/// <summary>The nodes that have registered, and their signs of life.</summary>
internal sealed class NodeRegistry(ChunkDatabase database)
{
    /// <summary>Replaces what was known of the id, and takes the address from whoever had it: it keeps its row, as its chunks are to be found elsewhere.</summary>
    public Task RegisterAsync(string id, string url, string version, string? acceptorId, CancellationToken ct) => database.InTransactionAsync(async connection =>
    {
        // In one order for all: two registrations that swap addresses would lock each other's rows.
        await connection.ExecuteAsync("select pg_advisory_xact_lock(hashtext('nodes'))", [], ct);
        await connection.ExecuteAsync("update nodes set url = null where url = $1 and id <> $2", [url, id], ct);
        return await connection.ExecuteAsync(
            """
            insert into nodes (id, url, version, acceptor_id) values ($1, $2, $3, $4)
            on conflict (id) do update set url = $2, version = $3, acceptor_id = $4, last_heartbeat = now(), registered_at = now(), is_native = null
            """, [id, url, version, acceptorId], ct);
    }, ct);

    /// <returns>False: there is no such node.</returns>
    public async Task<bool> HeartbeatAsync(string id, double diskUsagePercent, long chunkCount, CancellationToken ct) => await database.ExecuteAsync(
        "update nodes set last_heartbeat = now(), disk_usage_percent = $2, chunk_count = $3 where id = $1 and url is not null", [id, diskUsagePercent, chunkCount], ct) > 0;

    /// <summary>It has answered at this address; null: it did not say.</summary>
    public Task AnsweredAsync(string id, string url, double? diskUsagePercent, long? chunkCount, CancellationToken ct) => database.ExecuteAsync(
        """
        update nodes set last_probe = now(), disk_usage_percent = coalesce($3::double precision, disk_usage_percent), chunk_count = coalesce($4::bigint, chunk_count)
        where id = $1 and url = $2
        """, [id, url, diskUsagePercent, chunkCount], ct);

    public Task SetNativeAsync(string id, string url, bool isNative, CancellationToken ct) =>
        database.ExecuteAsync("update nodes set is_native = $3 where id = $1 and url = $2", [id, url, isNative], ct);

    /// <summary>All, those without an address too.</summary>
    public Task<List<StorageNode>> ListAsync(CancellationToken ct) => database.ListAsync(
        """
        select id, url, version, greatest(last_heartbeat, last_probe), now() - greatest(last_heartbeat, last_probe), disk_usage_percent, chunk_count, is_native, acceptor_id
        from nodes order by id
        """, [], Map, ct);

    private static StorageNode Map(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetNullable<string>(1), row.GetString(2), row.GetDateTime(3), row.GetTimeSpan(4), row.GetDouble(5), row.GetInt64(6), row.GetNullable<bool?>(7), row.GetNullable<string>(8));
}
