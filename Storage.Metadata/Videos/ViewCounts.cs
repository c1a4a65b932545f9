using Storage.Metadata.Database;

namespace Storage.Metadata.Videos;

/// <summary>How often a video was played; of an unknown one 0.</summary>
internal sealed class ViewCounts(ChunkDatabase database)
{
    public async Task<long> OfAsync(string videoId, CancellationToken ct) => await database.ScalarAsync<long>("select count from views where video_id = $1", [videoId], ct);

    public Task AddAsync(string videoId, CancellationToken ct) => database.ExecuteAsync(
        "insert into views (video_id, count) values ($1, 1) on conflict (video_id) do update set count = views.count + 1, updated_at = now()", [videoId], ct);
}
