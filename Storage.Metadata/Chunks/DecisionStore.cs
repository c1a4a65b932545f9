using System.Text.Json;
using Lifecycle.Store.Database;
using Npgsql;
using Storage.Metadata.Database;

namespace Storage.Metadata.Chunks;

/// <param name="Acceptors">Their names; null: not fixed yet.</param>
/// <param name="IsMine">Whether this look fixed them: its caller alone, this once, owns the first ballot.</param>
/// <param name="Decision">Null: none is recorded.</param>
internal sealed record ChunkKnowledge(bool IsVideoDeleted, IReadOnlyList<string>? Acceptors, bool IsMine, ChunkDecision? Decision, long Ballot, bool IsPlaced);

/// <summary>Groups of acceptors, fixed once, and the decisions that were made by them. Commits under way share transactions, and so the fsync of Postgres.</summary>
internal sealed class DecisionStore : IAsyncDisposable
{
    private const string Insert = "insert into chunk_decisions (chunk_id, video_id, sequence, size_bytes, checksum, mode, nodes, urls, ballot, fragments) select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10";

    private static readonly GatheringBounds _transactions = new(Places: 2, MostItems: 64);

    private readonly ChunkDatabase _database;
    private readonly Gathering<Look, ChunkKnowledge> _looks;
    private readonly Gathering<(ChunkDecision Decision, long Ballot), bool> _records;

    public DecisionStore(ChunkDatabase database)
    {
        _database = database;
        _looks = new(_transactions, LookAsync, IsOfOne);
        _records = new(_transactions, InsertAsync, IsOfOne);
    }

    /// <summary>
    /// All that a commit has to know before it proposes. With <paramref name="acceptors"/> they become the chunk's group, where it has none and
    /// the video has not ended: durable before this returns.
    /// </summary>
    public async Task<ChunkKnowledge> KnownAsync(string chunkId, string? videoId, IReadOnlyList<string>? acceptors, CancellationToken ct)
    {
        Look look = new(chunkId, videoId, acceptors);
        var known = await _looks.DoAsync(look, ct);
        // Nobody's, and not mine: somebody fixed them while this statement ran, and the next one sees whom.
        return acceptors is not null && known is { IsVideoDeleted: false, Acceptors: null } ? await _looks.DoAsync(look, ct) : known;
    }

    /// <summary>
    /// Writes down what is decided, and with it where the chunk is. Whoever comes second writes nothing. Where the video has ended meanwhile
    /// there is no placement: its copies are queued for removal instead.
    /// </summary>
    /// <returns>What is recorded, which without acceptors may be another's, and whether the video has ended.</returns>
    public async Task<(ChunkDecision Recorded, bool IsVideoDeleted)> RecordAsync(ChunkDecision decision, long ballot, CancellationToken ct) =>
        await _records.DoAsync((decision, ballot), ct) ? (decision, false) : await RecordSecondAsync(decision, ballot, ct);

    public async ValueTask DisposeAsync()
    {
        await _looks.DisposeAsync();
        await _records.DisposeAsync();
    }

    private Task<IReadOnlyList<ChunkKnowledge>> LookAsync(IReadOnlyList<Look> looks, CancellationToken ct) => _database.BatchAsync(
        """
        with known as (
            select exists (select from videos where id = $2 and status = 'deleted') as is_deleted, g.acceptors,
                d.video_id, d.sequence, d.size_bytes, d.checksum, d.mode, d.nodes, d.urls, d.fragments::text, d.ballot, p.chunk_id is not null as is_placed
            from (select $1::text as chunk_id) asked
            left join chunk_groups g on g.chunk_id = asked.chunk_id left join chunk_decisions d on d.chunk_id = asked.chunk_id left join chunk_placements p on p.chunk_id = asked.chunk_id),
        fixed as (
            insert into chunk_groups (chunk_id, acceptors) select $1::text, $3 from known where $3 is not null and acceptors is null and not is_deleted
            on conflict do nothing returning acceptors)
        select known.*, (select acceptors from fixed) from known
        """, looks, look => look.ChunkId, look => [Text(look.ChunkId), Text(look.VideoId), new NpgsqlParameter<string[]?> { TypedValue = look.Acceptors?.ToArray() }],
        (row, look) => new ChunkKnowledge(
            row.GetBoolean(0), row.GetNullable<string[]>(1) ?? row.GetNullable<string[]>(12), !row.IsDBNull(12), row.IsDBNull(2) ? null : Decision(look.ChunkId, row, 2),
            row.GetNullable<long?>(10) ?? 0, row.GetBoolean(11)), ct);

    /// <summary>The usual way: nobody was before, and the video is there. False: it is another one.</summary>
    private Task<IReadOnlyList<bool>> InsertAsync(IReadOnlyList<(ChunkDecision Decision, long Ballot)> records, CancellationToken ct) => _database.BatchAsync(
        $"""
        with video as (select status from videos where id = $2 for share), -- waits for a deletion under way, and sees its end
        decided as ({Insert} where not exists (select from video where status = 'deleted') on conflict do nothing returning chunk_id, mode, nodes, fragments),
        placed as (insert into chunk_placements (chunk_id, mode, nodes, fragments) select chunk_id, mode, nodes, fragments from decided)
        select exists (select from decided)
        """, records, record => record.Decision.ChunkId, record => Row(record.Decision, record.Ballot), (row, _) => row.GetBoolean(0), ct);

    /// <summary>The rarer ways: it is recorded already, perhaps without its placement, or its video has ended.</summary>
    private Task<(ChunkDecision Recorded, bool IsVideoDeleted)> RecordSecondAsync(ChunkDecision decision, long ballot, CancellationToken ct) => _database.InTransactionAsync(async connection =>
    {
        // Waits for a deletion under way; the next statement then sees its end.
        var deleted = await connection.ScalarAsync<string>("select status from videos where id = $1 for share", [decision.VideoId], ct) == "deleted";
        await using var insert = connection.Command(Insert + " on conflict do nothing");
        insert.Parameters.AddRange(Row(decision, ballot));
        var recorded = await insert.ExecuteNonQueryAsync(ct) > 0 ? decision : (await connection.FirstAsync(
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
    public Task<List<(string ChunkId, IReadOnlyList<string> Acceptors)>> TakeUnrecordedAsync(int most, CancellationToken ct) => _database.ListAsync(
        """
        update chunk_groups set looked = looked + 1, look_at = now() + least(interval '30 seconds' * 2 ^ least(looked, 12), interval '1 day')
        where chunk_id in (
            select chunk_id from chunk_groups g where look_at <= now() and cardinality(acceptors) > 0 and not exists (select from chunk_decisions d where d.chunk_id = g.chunk_id)
            order by look_at limit $1 for update skip locked)
        returning chunk_id::text, acceptors
        """, [most], row => (row.GetString(0), (IReadOnlyList<string>)row.GetFieldValue<string[]>(1)), ct);

    /// <summary>Of <see cref="Insert"/>.</summary>
    private static NpgsqlParameter[] Row(ChunkDecision decision, long ballot) =>
    [
        Text(decision.ChunkId), Text(decision.VideoId), new NpgsqlParameter<int> { TypedValue = decision.Sequence }, new NpgsqlParameter<int> { TypedValue = decision.SizeBytes },
        Text(decision.Checksum), Text(decision.Mode), new NpgsqlParameter<string[]> { TypedValue = [.. decision.Nodes] }, new NpgsqlParameter<string[]> { TypedValue = [.. decision.Urls] },
        new NpgsqlParameter<long> { TypedValue = ballot }, PlacementStore.Json(decision.Fragments),
    ];

    private static NpgsqlParameter<string?> Text(string? value) => new() { TypedValue = value };

    /// <summary>What Postgres refuses; where it does not answer at all, it does so to everybody.</summary>
    private static bool IsOfOne(Exception exception) => exception is PostgresException;

    private static ChunkDecision Decision(string chunkId, NpgsqlDataReader row, int at) => new(
        chunkId, row.GetString(at), row.GetInt32(at + 1), row.GetInt32(at + 2), row.GetString(at + 3), row.GetString(at + 4), row.GetFieldValue<string[]>(at + 5),
        row.GetFieldValue<string[]>(at + 6),
        row.GetNullable<string>(at + 7) is { } fragments ? JsonSerializer.Deserialize(fragments, DecisionJson.Default.IReadOnlyListPlacedFragment) : null);

    private sealed record Look(string ChunkId, string? VideoId, IReadOnlyList<string>? Acceptors);
}
