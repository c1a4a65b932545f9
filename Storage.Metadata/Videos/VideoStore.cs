using Storage.Metadata.Database;

namespace Storage.Metadata.Videos;

/// <summary>Seed 002's states of a video.</summary>
internal static class VideoStatus
{
    public const string Uploading = "uploading";
    public const string Active = "active";

    /// <summary>For good: its chunks are removed, and its id is not used again.</summary>
    public const string Deleted = "deleted";

    public static readonly string[] All = [Uploading, Active, Deleted];
}

internal sealed record StoredVideo(string Id, string Title, int DurationSec, string Status, DateTime CreatedAt, int Chunks);

/// <summary>The catalogue.</summary>
internal sealed class VideoStore(ChunkDatabase database)
{
    /// <returns>False: there was a video with this id, and it is deleted. One that is there stays as it is, so that a repeated request does no harm.</returns>
    public async Task<bool> CreateAsync(string id, string title, int durationSec, bool isEdge, CancellationToken ct) => await database.ScalarAsync<string>(
        """
        with made as (insert into videos (id, title, duration_sec, is_edge) values ($1, $2, $3, $4) on conflict (id) do nothing returning status)
        select status from made union all select status from videos where id = $1 limit 1
        """, [id, title, durationSec, isEdge], ct) != VideoStatus.Deleted;

    public Task<List<StoredVideo>> ListAsync(int limit, int offset, CancellationToken ct) => database.ListAsync(
        """
        select v.id, v.title, v.duration_sec, v.status, v.created_at,
            (select count(*) from chunk_decisions d join chunk_placements p using (chunk_id) where d.video_id = v.id)::integer
        from videos v where v.status <> 'deleted' and not v.is_edge order by v.created_at desc, v.id desc limit $1 offset $2
        """, [limit, offset],
        row => new StoredVideo(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetString(3), row.GetDateTime(4), row.GetInt32(5)), ct);

    /// <summary>Null for one that is deleted, too.</summary>
    public Task<StoredVideo?> FindAsync(string id, CancellationToken ct) => database.FirstAsync(
        "select id, title, duration_sec, status, created_at from videos where id = $1 and status <> 'deleted'", [id],
        row => new StoredVideo(row.GetString(0), row.GetString(1), row.GetInt32(2), row.GetString(3), row.GetDateTime(4), 0), ct);

    /// <returns>False: there is no such video.</returns>
    public async Task<bool> SetStatusAsync(string id, string status, CancellationToken ct) => await database.ExecuteAsync(
        "update videos set status = $2, status_since = case when status = $2 then status_since else now() end where id = $1 and status <> 'deleted'", [id, status], ct) > 0;
}
