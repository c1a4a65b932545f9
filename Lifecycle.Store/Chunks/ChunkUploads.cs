using Lifecycle.Contracts.Chunks;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Tasks;
using Npgsql;

namespace Lifecycle.Store.Chunks;

/// <summary>An upload to the chunk store as its sender sees it.</summary>
/// <param name="Percent">0 to 100; grows, but for a replay of what has failed.</param>
/// <param name="Chunks">Null until the video is cut.</param>
/// <param name="Error">Why it has failed.</param>
public sealed record ChunkUpload(Guid Id, Guid VideoId, string Title, string? FileName, UploadPhase Phase, int Percent, DateTimeOffset StartedAt, int? Chunks, string? Error);

/// <summary>The rows of uploads to the chunk store. Phases before the distribution itself are read from its job, so that no two facts can differ.</summary>
public sealed class ChunkUploads(LifecycleDatabase database)
{
    private const string Select =
        $"""
        select c.id, c.video_id, c.title, v.file_name, c.phase, c.chunks, c.chunks_done, c.started_at, v.state, j.state, j.failure_reason, {JobProgress.Sql}
        from chunk_uploads c join videos v on v.id = c.video_id
        left join lateral (select * from jobs where video_id = v.id and kind = 'distribute' order by sequence desc limit 1) j on true
        """;

    private static readonly string[] _gone = [VideoLifecycle.Table.NameOf(VideoState.Aborting), VideoLifecycle.Table.NameOf(VideoState.Deleted)];

    /// <summary>Notes that an upload under way goes to the chunk store too; once is enough. Its job is made with the source's verification.</summary>
    public async Task OpenAsync(Guid id, Guid videoId, string title, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            "insert into chunk_uploads (id, video_id, title) select $1, id, $3 from videos where id = $2 and state = 'UPLOADING' on conflict (video_id) do nothing", [id, videoId, title], ct);
    }

    /// <summary>Uploads whose distribution has not ended.</summary>
    public async Task<long> CountActiveAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<long>("select count(*) from jobs where kind = 'distribute' and state = any($1)", [JobLifecycle.OpenNames], ct);
    }

    public Task<ChunkUpload?> FindAsync(Guid id, CancellationToken ct) => FirstAsync("c.id", id, ct);

    public Task<ChunkUpload?> FindByVideoAsync(Guid videoId, CancellationToken ct) => FirstAsync("c.video_id", videoId, ct);

    /// <summary>Notes where the distribution stands; only the task's lease holder may.</summary>
    /// <param name="chunks">Of the whole video.</param>
    /// <param name="done">Of them.</param>
    public async Task NoteAsync(ClaimedTask task, UploadPhase phase, int chunks, int done, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync(
            """
            update chunk_uploads set phase = $3, chunks = $4, chunks_done = case when phase = $3 then greatest(chunks_done, $5) else $5 end
            where video_id = $1 and exists (select from tasks where id = $2 and lease_token = $6)
            """, [task.VideoId, task.TaskId, UploadPhases.NameOf(phase), chunks, done, task.LeaseToken], ct);
    }

    /// <summary>Some of the deleted videos that the chunk store may still have, and no task can bring back, in no order: one that cannot be removed keeps nobody waiting.</summary>
    public async Task<IReadOnlyList<Guid>> DeletedAsync(int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            """
            select c.video_id from chunk_uploads c join videos v on v.id = c.video_id
            where v.state = 'DELETED' and not exists (select from tasks t where t.video_id = v.id and t.state = 'leased') order by random() limit $1
            """, [most], row => row.GetGuid(0), ct);
    }

    /// <summary>The chunk store has nothing of it any more.</summary>
    public async Task ForgetAsync(Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("delete from chunk_uploads where video_id = $1", [videoId], ct);
    }

    private async Task<ChunkUpload?> FirstAsync(string column, Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"{Select} where {column} = $1 and v.state <> all($2)", [id, _gone], Map, ct);
    }

    private static ChunkUpload Map(NpgsqlDataReader row)
    {
        var job = row.GetNullable<string>(9) is { } name ? JobLifecycle.Table.Parse(name) : (JobState?)null;
        var chunks = row.GetNullable<int?>(5);
        var (phase, done) = PhaseOf(row.GetNullable<string>(4), chunks, row.GetInt32(6), VideoLifecycle.Table.Parse(row.GetString(8)), job, row.GetNullable<double?>(11) ?? 0);
        var failed = job is { } state && JobLifecycle.IsOver(state) && state != JobState.Completed;
        return new(
            row.GetGuid(0), row.GetGuid(1), row.GetString(2), row.GetNullable<string>(3), failed ? UploadPhase.Failed : phase, UploadPhases.Percent(phase, done),
            row.GetFieldValue<DateTimeOffset>(7), chunks, failed ? row.GetNullable<string>(10) ?? "The distribution has failed." : null);
    }

    /// <param name="progress">Of the job, 0 to 1: nearly all of it is the encoding of what will be cut.</param>
    private static (UploadPhase Phase, double Done) PhaseOf(string? phase, int? chunks, int chunksDone, VideoState video, JobState? job, double progress) => (job, phase) switch
    {
        (null, _) => (UploadPhase.Uploading, video == VideoState.Completing ? 1 : 0),
        (JobState.Completed, _) => (UploadPhase.Completed, 1),
        (_, { } noted) => (UploadPhases.Parse(noted), chunks is > 0 and var all ? (double)chunksDone / all : 0),
        _ when progress > 0 => (UploadPhase.Chunking, progress),
        _ => (UploadPhase.Processing, job == JobState.Queued ? 0 : 1),
    };
}
