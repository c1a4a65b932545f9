using System.Text.Json;
using Lifecycle.Store.Database;
using Npgsql;
using Storage.Metadata.Database;

namespace Storage.Metadata.Chunks;

/// <param name="Acceptors">Node ids; null: not fixed yet.</param>
/// <param name="Decision">Null: none is recorded.</param>
internal sealed record ChunkKnowledge(bool IsVideoDeleted, IReadOnlyList<string>? Acceptors, ChunkDecision? Decision, long Ballot, bool IsPlaced);

/// <summary>Groups of acceptors, fixed once, and the decisions that were made by them.</summary>
internal sealed class DecisionStore(ChunkDatabase database)
{
    /// <summary>All that a commit has to know before it begins, in one look.</summary>
    public async Task<ChunkKnowledge> KnownAsync(string chunkId, string? videoId, CancellationToken ct) => (await database.FirstAsync(
        """
        select exists (select from videos where id = $2 and status = 'deleted'), g.acceptors,
            d.video_id, d.sequence, d.size_bytes, d.checksum, d.mode, d.nodes, d.urls, d.fragments::text, d.ballot, p.chunk_id is not null
        from (select $1::text as chunk_id) asked
        left join chunk_groups g on g.chunk_id = asked.chunk_id left join chunk_decisions d on d.chunk_id = asked.chunk_id left join chunk_placements p on p.chunk_id = asked.chunk_id
        """, [chunkId, videoId],
        row => new ChunkKnowledge(
            row.GetBoolean(0), row.GetNullable<string[]>(1), row.IsDBNull(2) ? null : Decision(chunkId, row, 2), row.GetNullable<long?>(10) ?? 0, row.GetBoolean(11)), ct))!;

    /// <returns>The group that stands, and whether this call fixed it: that caller alone, this once, owns the first ballot.</returns>
    public async Task<(IReadOnlyList<string> Acceptors, bool IsMine)> FixGroupAsync(string chunkId, IReadOnlyList<string> acceptors, CancellationToken ct)
    {
        var mine = await database.ExecuteAsync("insert into chunk_groups (chunk_id, acceptors) values ($1, $2) on conflict do nothing", [chunkId, acceptors.ToArray()], ct) > 0;
        return mine ? (acceptors, true) : ((await database.ScalarAsync<string[]>("select acceptors from chunk_groups where chunk_id = $1", [chunkId], ct))!, false);
    }

    /// <summary>
    /// Writes down what is decided, and with it where the chunk is. Whoever comes second writes nothing. Where the video has ended meanwhile
    /// there is no placement: its copies are queued for removal instead.
    /// </summary>
    /// <returns>What is recorded, which without acceptors may be another's, and whether the video has ended.</returns>
    public async Task<(ChunkDecision Recorded, bool IsVideoDeleted)> RecordAsync(ChunkDecision decision, long ballot, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using var command = connection.Command(
            """
            with video as (select status from videos where id = $2 for share), -- waits for a deletion under way, and sees its end
            decided as (
                insert into chunk_decisions (chunk_id, video_id, sequence, size_bytes, checksum, mode, nodes, urls, ballot, fragments)
                select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 where not exists (select from video where status = 'deleted') on conflict do nothing returning chunk_id, mode, nodes, fragments),
            placed as (insert into chunk_placements (chunk_id, mode, nodes, fragments) select chunk_id, mode, nodes, fragments from decided)
            select exists (select from decided)
            """,
            decision.ChunkId, decision.VideoId, decision.Sequence, decision.SizeBytes, decision.Checksum, decision.Mode, decision.Nodes.ToArray(), decision.Urls.ToArray(), ballot);
        command.Parameters.Add(PlacementStore.Json(decision.Fragments));
        return await command.ExecuteScalarAsync(ct) is true ? (decision, false) : await RecordSecondAsync(decision, ballot, ct);
    }

    /// <summary>The rarer ways: it is recorded already, perhaps without its placement, or its video has ended.</summary>
    private Task<(ChunkDecision Recorded, bool IsVideoDeleted)> RecordSecondAsync(ChunkDecision decision, long ballot, CancellationToken ct) => database.InTransactionAsync(async connection =>
    {
        // Waits for a deletion under way; the next statement then sees its end.
        var deleted = await connection.ScalarAsync<string>("select status from videos where id = $1 for share", [decision.VideoId], ct) == "deleted";
        var inserted = await InsertAsync(connection, decision, ballot, ct);
        var recorded = inserted ? decision : (await connection.FirstAsync(
            "select video_id, sequence, size_bytes, checksum, mode, nodes, urls, fragments::text from chunk_decisions where chunk_id = $1", [decision.ChunkId], row => Decision(decision.ChunkId, row, 0), ct))!;
        await connection.ExecuteAsync(deleted
            ? """
              insert into removals (object_id, node_id, chunk_id)
              select chunk_id, node.id, chunk_id from chunk_decisions join nodes node on node.id = any(nodes) where chunk_id = $1 and mode = 'replication'
              union all
              select f ->> 'id', node.id, chunk_id from chunk_decisions, jsonb_array_elements(fragments) f, nodes node
              where chunk_id = $1 and mode = 'erasure_coding' and node.id = nodes[(f ->> 'index')::integer + 1]
              on conflict do nothing
              """
            : """
              insert into chunk_placements (chunk_id, mode, nodes, fragments)
              select chunk_id, mode, nodes, fragments from chunk_decisions where chunk_id = $1 on conflict do nothing
              """, [decision.ChunkId], ct);
        return (recorded, deleted);
    }, ct);

    /// <summary>Groups whose decision, if they have made one, has not been recorded for a while: a crash came between. Each is taken again ever later.</summary>
    public Task<List<(string ChunkId, IReadOnlyList<string> Acceptors)>> TakeUnrecordedAsync(int most, CancellationToken ct) => database.ListAsync(
        """
        update chunk_groups set looked = looked + 1, look_at = now() + least(interval '30 seconds' * 2 ^ least(looked, 12), interval '1 day')
        where chunk_id in (
            select chunk_id from chunk_groups g where look_at <= now() and cardinality(acceptors) > 0 and not exists (select from chunk_decisions d where d.chunk_id = g.chunk_id)
            order by look_at limit $1 for update skip locked)
        returning chunk_id::text, acceptors
        """, [most], row => (row.GetString(0), (IReadOnlyList<string>)row.GetFieldValue<string[]>(1)), ct);

    private static async Task<bool> InsertAsync(NpgsqlConnection connection, ChunkDecision decision, long ballot, CancellationToken ct)
    {
        await using var command = connection.Command(
            """
            insert into chunk_decisions (chunk_id, video_id, sequence, size_bytes, checksum, mode, nodes, urls, ballot, fragments)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing
            """,
            decision.ChunkId, decision.VideoId, decision.Sequence, decision.SizeBytes, decision.Checksum, decision.Mode, decision.Nodes.ToArray(), decision.Urls.ToArray(), ballot);
        command.Parameters.Add(PlacementStore.Json(decision.Fragments));
        return await command.ExecuteNonQueryAsync(ct) > 0;
    }

    private static ChunkDecision Decision(string chunkId, NpgsqlDataReader row, int at) => new(
        chunkId, row.GetString(at), row.GetInt32(at + 1), row.GetInt32(at + 2), row.GetString(at + 3), row.GetString(at + 4), row.GetFieldValue<string[]>(at + 5),
        row.GetFieldValue<string[]>(at + 6),
        row.GetNullable<string>(at + 7) is { } fragments ? JsonSerializer.Deserialize(fragments, DecisionJson.Default.IReadOnlyListPlacedFragment) : null);
}
