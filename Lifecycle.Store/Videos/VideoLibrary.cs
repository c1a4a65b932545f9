using Lifecycle.Contracts.Chunks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Edge;
using Npgsql;

namespace Lifecycle.Store.Videos;

/// <summary>A video as its owner sees it.</summary>
/// <param name="Media">What the probe found, JSON; null until it has.</param>
/// <param name="Edge">Of the served version.</param>
public sealed record VideoDetails(
    Guid Id, Guid? OwnerId, string? FileName, long? Bytes, VideoState State, string? FailureCategory, string? FailureReason, string? Media, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt,
    EdgeState Edge);

/// <summary>Lists and reads of videos as resources, by owner.</summary>
public sealed class VideoLibrary(LifecycleDatabase database)
{
    private const string Select =
        $"""
        select v.id, v.owner_id, v.file_name, v.source_bytes, v.state, v.failure_category, v.failure_reason, coalesce(p.media, v.probe)::text, v.created_at, v.updated_at, {EdgeCopies.StateSql}
        from videos v left join video_versions p on p.video_id = v.id and p.version = v.version
        """;

    public async Task<VideoDetails?> FindAsync(Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"{Select} where v.id = $1 and v.state = any($2)", [videoId, VideoLifecycle.VisibleNames], Map, ct);
    }

    /// <summary>Newest first: ids are UUIDv7, so their order is that of creation, and a page begins below the last id of the one before.</summary>
    /// <param name="ownerId">Null: of every owner.</param>
    /// <param name="state">Null: of every state.</param>
    /// <param name="below">Null: from the newest.</param>
    public async Task<IReadOnlyList<VideoDetails>> ListAsync(Guid? ownerId, VideoState? state, Guid? below, int most, CancellationToken ct)
    {
        string[] states = state is { } one ? [VideoLifecycle.Table.NameOf(one)] : [.. VideoLifecycle.VisibleNames];
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            $"{Select} where v.state = any($1) and ($2::uuid is null or v.owner_id = $2) and ($3::uuid is null or v.id < $3) order by v.id desc limit $4", [states, ownerId, below, most], Map, ct);
    }

    private static VideoDetails Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetNullable<Guid?>(1), row.GetNullable<string>(2), row.GetNullable<long?>(3), VideoLifecycle.Table.Parse(row.GetString(4)), row.GetNullable<string>(5),
        row.GetNullable<string>(6), row.GetNullable<string>(7), row.GetFieldValue<DateTimeOffset>(8), row.GetFieldValue<DateTimeOffset>(9),
        Enum.Parse<EdgeState>(row.GetString(10)));
}
