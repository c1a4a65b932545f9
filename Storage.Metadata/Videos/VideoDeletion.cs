using Lifecycle.Store.Database;
using Npgsql;
using Storage.Metadata.Database;

namespace Storage.Metadata.Videos;

/// <summary>
/// Ends a video: from then on it is in no list and no manifest, and its chunks are queued for removal. All nodes are asked, not only those
/// of the placement: a writer that hedged has left copies that were never committed.
/// </summary>
internal sealed class VideoDeletion(ChunkDatabase database)
{
    private static readonly TimeSpan _forgottenAfter = TimeSpan.FromDays(1);

    /// <returns>False: there is no such video.</returns>
    public Task<bool> DeleteAsync(string videoId, CancellationToken ct) => database.InTransactionAsync(async connection =>
    {
        // The row's lock first: a commit under way either sees the end, or its placement is seen here.
        var deleted = await connection.ExecuteAsync("update videos set status = 'deleted', status_since = now() where id = $1 and status <> 'deleted'", [videoId], ct) > 0;
        if (deleted)
        {
            await RemoveChunksAsync(connection, [videoId], ct);
        }

        return deleted;
    }, ct);

    /// <summary>Chunks, views and overrides whose video never came.</summary>
    public Task ForgetStrayAsync(CancellationToken ct) => database.InTransactionAsync(async connection =>
    {
        var stray = await connection.ListAsync(
            """
            select distinct d.video_id::text from chunk_decisions d join chunk_placements using (chunk_id)
            where d.decided_at < now() - $1 and not exists (select from videos v where v.id = d.video_id) limit 100
            """, [_forgottenAfter], row => row.GetString(0), ct);
        await RemoveChunksAsync(connection, [.. stray], ct);
        await connection.ExecuteAsync("delete from views w where updated_at < now() - $1 and not exists (select from videos v where v.id = w.video_id)", [_forgottenAfter], ct);
        return await connection.ExecuteAsync(
            "delete from redundancy_overrides o where set_at < now() - $1 and not exists (select from videos v where v.id = o.video_id)", [_forgottenAfter], ct);
    }, ct);

    private static Task<int> RemoveChunksAsync(NpgsqlConnection connection, string[] videoIds, CancellationToken ct) => connection.ExecuteAsync(
        """
        with gone as (
            delete from chunk_placements p using chunk_decisions d where d.chunk_id = p.chunk_id and d.video_id = any($1)
            returning p.chunk_id, p.mode, p.nodes, p.fragments)
        insert into removals (object_id, node_id, chunk_id, fragment_index)
        select gone.chunk_id, n.id, gone.chunk_id, null from gone cross join nodes n
        union all
        select f ->> 'id', n.id, gone.chunk_id, (f ->> 'index')::smallint
        from gone cross join jsonb_array_elements(gone.fragments) f join nodes n on n.id = gone.nodes[(f ->> 'index')::integer + 1]
        where gone.mode = 'erasure_coding'
        on conflict (object_id, node_id) do update set due = now()
        """, [videoIds], ct);
}
