using System.Text.Json;
using Lifecycle.Store.Database;
using Npgsql;
using NpgsqlTypes;
using Storage.Metadata.Database;

namespace Storage.Metadata.Chunks;

/// <summary>Placements as they are, and their moves.</summary>
internal sealed class PlacementStore(ChunkDatabase database)
{
    private const string Columns = "p.chunk_id, d.video_id, d.sequence, d.size_bytes, d.checksum, p.version, p.mode, p.nodes, p.fragments::text, p.moved_at";

    public Task<ChunkPlacement?> FindAsync(string chunkId, CancellationToken ct) => database.FirstAsync(
        $"select {Columns} from chunk_placements p join chunk_decisions d using (chunk_id) where p.chunk_id = $1", [chunkId], Map, ct);

    public Task<List<ChunkPlacement>> OfVideoAsync(string videoId, CancellationToken ct) => database.ListAsync(
        $"select {Columns} from chunk_placements p join chunk_decisions d using (chunk_id) where d.video_id = $1 order by d.sequence, p.chunk_id", [videoId], Map, ct);

    /// <summary>Those with a copy on one of these nodes, with too few copies, or with a fragment that is nowhere; those whose turn it is, the longest waiting first.</summary>
    public Task<List<ChunkPlacement>> DamagedAsync(string[] lostNodes, int copies, int most, CancellationToken ct) => database.ListAsync(
        $"""
        select {Columns} from chunk_placements p join chunk_decisions d using (chunk_id)
        where (p.nodes && $1 or (p.mode = 'replication' and cardinality(p.nodes) < 3 and cardinality(p.nodes) < $2)) and p.repair_after <= now()
        order by p.repair_after, p.chunk_id limit $3
        """, [(string[])[.. lostNodes, ""], copies, most], Map, ct);

    /// <summary>Takes the turn of the chunks that were looked at longest ago, of <paramref name="suspects"/> if there are any.</summary>
    public Task<List<ChunkPlacement>> TakeForAuditAsync(string[] suspects, int most, CancellationToken ct) => database.ListAsync(
        $"""
        with taken as (
            update chunk_placements set audited_at = now() where chunk_id in (
                select chunk_id from chunk_placements where cardinality($1::text[]) = 0 or nodes && $1 order by audited_at limit $2)
            returning *)
        select {Columns} from taken p join chunk_decisions d using (chunk_id)
        """, [suspects, most], Map, ct);

    /// <summary>How many objects each node should have.</summary>
    public async Task<Dictionary<string, long>> ObjectsByNodeAsync(CancellationToken ct) => (await database.ListAsync(
        "select node, count(*) from chunk_placements, unnest(nodes) as node where node <> '' group by node", [], row => (row.GetString(0), row.GetInt64(1)), ct)).ToDictionary();

    public Task PostponeAsync(string chunkId, TimeSpan pause, CancellationToken ct) =>
        database.ExecuteAsync("update chunk_placements set repair_after = now() + $2 where chunk_id = $1", [chunkId, pause], ct);

    /// <summary>Moves the chunk, if nobody else has meanwhile; what the old placement leaves behind is queued for removal with it.</summary>
    /// <param name="placement">As it was read.</param>
    /// <param name="mode">The new one, as nodes and fragments are.</param>
    /// <param name="nodes">By index where the chunk is coded.</param>
    /// <param name="fragments">Of a coded chunk.</param>
    /// <param name="removedAfter">How long the copies that are left behind stay.</param>
    /// <param name="ct">Before the move; it happens or not.</param>
    /// <returns>False: it has moved, or is gone.</returns>
    public Task<bool> MoveAsync(ChunkPlacement placement, string mode, IReadOnlyList<string> nodes, IReadOnlyList<PlacedFragment>? fragments, TimeSpan removedAfter, CancellationToken ct)
    {
        var next = placement with { Mode = mode, Nodes = nodes, Fragments = fragments };
        var kept = next.Objects.Select(placed => (placed.ObjectId, placed.NodeId)).ToHashSet();
        var left = placement.Objects.Where(placed => placed.NodeId.Length > 0 && !kept.Contains((placed.ObjectId, placed.NodeId))).ToList();
        return database.InTransactionAsync(async connection =>
        {
            await using var command = connection.Command(
                """
                update chunk_placements set version = version + 1, mode = $3, nodes = $4, fragments = $5, moved_at = now(), repair_after = '-infinity'
                where chunk_id = $1 and version = $2
                """, placement.ChunkId, placement.Version, mode, nodes.ToArray());
            command.Parameters.Add(Json(fragments));
            var moved = await command.ExecuteNonQueryAsync(ct) > 0;
            if (moved)
            {
                await QueueRemovalsAsync(connection, placement.ChunkId, left, removedAfter, ct);
            }

            return moved;
        }, ct);
    }

    internal static NpgsqlParameter Json(IReadOnlyList<PlacedFragment>? fragments) => new()
    {
        NpgsqlDbType = NpgsqlDbType.Jsonb,
        Value = fragments is null ? DBNull.Value : JsonSerializer.Serialize(fragments, DecisionJson.Default.IReadOnlyListPlacedFragment),
    };

    private static Task<int> QueueRemovalsAsync(NpgsqlConnection connection, string chunkId, List<PlacedObject> objects, TimeSpan after, CancellationToken ct) => connection.ExecuteAsync(
        """
        insert into removals (object_id, node_id, chunk_id, fragment_index, due)
        select o.object_id, o.node_id, $1, nullif(o.fragment, -1), now() + $5 from unnest($2, $3, $4) as o (object_id, node_id, fragment)
        on conflict (object_id, node_id) do update set due = excluded.due
        """,
        [
            chunkId, objects.Select(placed => placed.ObjectId).ToArray(), objects.Select(placed => placed.NodeId).ToArray(),
            objects.Select(placed => (short)(placed.FragmentIndex ?? -1)).ToArray(), after,
        ], ct);

    private static ChunkPlacement Map(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetInt32(3), row.GetString(4), row.GetInt64(5), row.GetString(6), row.GetFieldValue<string[]>(7),
        row.GetNullable<string>(8) is { } fragments ? JsonSerializer.Deserialize(fragments, DecisionJson.Default.IReadOnlyListPlacedFragment) : null, row.GetDateTime(9));
}
