using Storage.Fabric;
using Storage.Metadata.Database;

namespace Storage.Metadata.Redundancy;

/// <param name="Override">Set by hand; null: none.</param>
internal sealed record Popularity(long Views, string? Override)
{
    /// <summary>Exactly the threshold is not above it.</summary>
    public string Recommended => Override ?? (Views > ChunkLimits.PopularityThreshold ? RedundancyMode.Replication : RedundancyMode.ErasureCoding);
}

/// <param name="ReplicatedBytes">Of the chunks themselves, each once.</param>
internal sealed record StoredBytes(long ReplicatedChunks, long CodedChunks, long ReplicatedBytes, long CodedBytes);

/// <summary>Overrides, popularity, and what is stored how.</summary>
internal sealed class RedundancyStore(ChunkDatabase database)
{
    public async Task<Popularity> PopularityAsync(string videoId, CancellationToken ct) => (await database.FirstAsync(
        "select coalesce((select count from views where video_id = $1), 0), (select mode from redundancy_overrides where video_id = $1)", [videoId],
        row => new Popularity(row.GetInt64(0), row.IsDBNull(1) ? null : row.GetString(1)), ct))!;

    public Task SetOverrideAsync(string videoId, string mode, CancellationToken ct) => database.ExecuteAsync(
        "insert into redundancy_overrides (video_id, mode) values ($1, $2) on conflict (video_id) do update set mode = $2, set_at = now()", [videoId, mode], ct);

    public Task ClearOverrideAsync(string videoId, CancellationToken ct) => database.ExecuteAsync("delete from redundancy_overrides where video_id = $1", [videoId], ct);

    public async Task<StoredBytes> StoredAsync(CancellationToken ct) => (await database.FirstAsync(
        """
        select count(*) filter (where p.mode = 'replication'), count(*) filter (where p.mode = 'erasure_coding'),
            coalesce(sum(d.size_bytes) filter (where p.mode = 'replication'), 0)::bigint, coalesce(sum(d.size_bytes) filter (where p.mode = 'erasure_coding'), 0)::bigint
        from chunk_placements p join chunk_decisions d using (chunk_id)
        """, [], row => new StoredBytes(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetInt64(3)), ct))!;

    /// <summary>Chunks of settled videos that are kept otherwise than their popularity asks. Around the threshold nothing moves.</summary>
    /// <param name="settling">How long a video has been active before its chunks move.</param>
    /// <param name="codedBelow">Views below which a replicated chunk becomes coded.</param>
    /// <param name="canCode">Whether there are nodes enough for fragments.</param>
    /// <param name="most">Rows.</param>
    /// <param name="ct">Of the query.</param>
    public Task<List<(string ChunkId, string Mode)>> ToConvertAsync(TimeSpan settling, int codedBelow, bool canCode, int most, CancellationToken ct) => database.ListAsync(
        """
        select p.chunk_id, case p.mode when 'replication' then 'erasure_coding' else 'replication' end
        from videos v join chunk_decisions d on d.video_id = v.id join chunk_placements p using (chunk_id)
        left join views w on w.video_id = v.id left join redundancy_overrides o on o.video_id = v.id
        where v.status = 'active' and v.status_since <= now() - $1 and p.repair_after <= now() and ($3 or p.mode = 'erasure_coding')
            and p.mode <> case when o.mode is not null then o.mode when coalesce(w.count, 0) > $5 then 'replication' when coalesce(w.count, 0) < $2 then 'erasure_coding' else p.mode end
        order by v.id, d.sequence limit $4
        """, [settling, codedBelow, canCode, most, (long)ChunkLimits.PopularityThreshold], row => (row.GetString(0), row.GetString(1)), ct);
}
