using Lifecycle.Contracts;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Videos;
using Npgsql;

namespace Lifecycle.Store.Uploads;

/// <summary>The rows of resumable uploads: any replica takes any part, so nothing of a session is in memory.</summary>
public sealed class UploadSessions(LifecycleDatabase database, UploadStore uploads)
{
    private const string Select =
        """
        select s.id, s.video_id, s.owner_id, s.kind, v.file_name, s.total_size, s.part_size,
            case when s.kind = 'parts' then coalesce((select sum(p.size) from upload_parts p where p.session_id = s.id), 0)::bigint else s.received end,
            s.tail_key, s.metadata, s.concat, s.expires_at, v.state, v.upload_token, v.s3_upload_id
        from upload_sessions s join videos v on v.id = s.video_id
        """;

    /// <summary>What clients see no session of.</summary>
    private static readonly string[] _gone = [VideoLifecycle.Table.NameOf(VideoState.Aborting), VideoLifecycle.Table.NameOf(VideoState.Deleted)];

    /// <summary>Opens the session of a video that <see cref="UploadStore.BeginAsync(Guid, Guid?, string?, bool, CancellationToken)"/> began: from now on it lasts for <paramref name="life"/>.</summary>
    /// <param name="session">The session.</param>
    /// <param name="uploadToken">The video's.</param>
    /// <param name="s3UploadId">The store's multipart upload.</param>
    /// <param name="life">Until it expires.</param>
    /// <param name="lease">Until the reaper takes it: the same, or short where one request does it all.</param>
    /// <param name="ct">Ends it early.</param>
    public async Task<OpenOutcome> OpenAsync(NewSession session, long uploadToken, string s3UploadId, TimeSpan life, TimeSpan lease, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await transaction.Connection.ExecuteAsync(
            "update videos set s3_upload_id = $3, upload_lease = now() + $4 where id = $1 and upload_token = $2", [session.VideoId, uploadToken, s3UploadId, lease], ct) == 0)
        {
            return OpenOutcome.TakenOver;
        }

        if (await transaction.Connection.ExecuteAsync(
            """
            insert into upload_sessions (id, video_id, owner_id, kind, total_size, part_size, metadata, concat, idempotency_key, expires_at)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9, now() + $10) on conflict (owner_id, idempotency_key) where idempotency_key is not null do nothing
            """,
            [session.Id, session.VideoId, session.OwnerId, NameOf(session.Kind), session.TotalBytes, session.PartBytes, session.Metadata, session.Concat, session.IdempotencyKey, life], ct) == 0)
        {
            return OpenOutcome.KeyUsed;
        }

        await transaction.CommitAsync(ct);
        return OpenOutcome.Opened;
    }

    /// <summary>Null where there is none, it has expired, or its video is being taken apart.</summary>
    public async Task<UploadSession?> FindAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"{Select} where s.id = $1 and s.expires_at > now() and v.state <> all($2)", [id, _gone], Map, ct);
    }

    public async Task<UploadSession?> FindByKeyAsync(Guid ownerId, string idempotencyKey, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            $"{Select} where s.owner_id = $1 and s.idempotency_key = $2 and s.expires_at > now() and v.state <> all($3)", [ownerId, idempotencyKey, _gone], Map, ct);
    }

    /// <summary>The final upload that a video came of.</summary>
    public async Task<UploadSession?> FindFinalAsync(Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"{Select} where s.video_id = $1 and s.kind = $2 and v.state <> all($3)", [videoId, NameOf(UploadKind.Final), _gone], Map, ct);
    }

    /// <summary>An account's open sessions of numbered parts, newest first.</summary>
    /// <param name="below">Null: from the newest.</param>
    public async Task<IReadOnlyList<UploadSession>> ListOpenAsync(Guid ownerId, Guid? below, int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            $"{Select} where s.owner_id = $1 and s.kind = $2 and s.expires_at > now() and v.state = $3 and ($4::uuid is null or s.id < $4) order by s.id desc limit $5",
            [ownerId, NameOf(UploadKind.Parts), VideoLifecycle.Table.NameOf(VideoState.Uploading), below, most], Map, ct);
    }

    /// <summary>Whether the account has as many uploads under way as it may have; those that one request sends count too.</summary>
    public async Task<bool> HasOpenAsync(Guid ownerId, int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        // The state as a literal, and no join: a partial index answers it whatever the planner believes of tables that have just filled.
        return await connection.ScalarAsync<long>("select count(*) from (select from videos where owner_id = $1 and state = 'UPLOADING' limit $2) v", [ownerId, most], ct) >= most;
    }

    public async Task<IReadOnlyList<SessionPart>> PartsAsync(Guid id, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync("select number, size, etag, uploaded_at from upload_parts where session_id = $1 order by number", [id], MapPart, ct);
    }

    /// <summary>A part is in the store; the last one with its number counts.</summary>
    /// <returns>Null when the session is no longer open.</returns>
    public async Task<SessionPart?> NotePartAsync(Guid id, int number, long bytes, string etag, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync(
            """
            insert into upload_parts (session_id, number, size, etag)
            select s.id, $2, $3, $4 from upload_sessions s join videos v on v.id = s.video_id where s.id = $1 and v.state = $5
            on conflict (session_id, number) do update set size = excluded.size, etag = excluded.etag, uploaded_at = now()
            returning number, size, etag, uploaded_at
            """, [id, number, bytes, etag, VideoLifecycle.Table.NameOf(VideoState.Uploading)], MapPart, ct);
    }

    /// <summary>
    /// All parts are in the store: the video is COMPLETING, and the session stays for its whole life, so that a repeated request
    /// gets its answer. The rows are set to what the store has: of two replicas that wrote one part, the last to tell may not be
    /// the last that wrote.
    /// </summary>
    public Task<MoveOutcome> PartsSentAsync(UploadSession session, IReadOnlyList<UploadedPart> parts, TimeSpan life, CancellationToken ct) =>
        uploads.BytesSentAsync(session.VideoId, session.UploadToken ?? 0, session.TotalBytes, null, async transaction =>
        {
            await transaction.Connection.ExecuteAsync(
                """
                insert into upload_parts (session_id, number, size, etag) select $1, * from unnest($2::int[], $3::bigint[], $4::text[])
                on conflict (session_id, number) do update set size = excluded.size, etag = excluded.etag where upload_parts.etag <> excluded.etag
                """, [session.Id, parts.Select(part => part.Number).ToArray(), parts.Select(part => part.Bytes).ToArray(), parts.Select(part => part.ETag.Trim('"')).ToArray()], ct);
            return await transaction.Connection.ExecuteAsync("update upload_sessions set expires_at = now() + $2 where id = $1", [session.Id, life], ct) == 1;
        }, ct);

    /// <summary>
    /// The pieces' bytes are in the final upload's parts: it is COMPLETING, and the pieces' own rows are the reaper's. Their
    /// sessions stay, so that a client that missed the answer is told the truth about them.
    /// </summary>
    /// <returns>False when another final upload took one of them first, or this one's row was taken over.</returns>
    public async Task<bool> ConcatenatedAsync(UploadSession session, long uploadToken, IReadOnlyList<UploadSession> pieces, TimeSpan life, CancellationToken ct) =>
        await uploads.BytesSentAsync(session.VideoId, uploadToken, session.TotalBytes, null, async transaction =>
        {
            foreach (var piece in pieces.OrderBy(piece => piece.VideoId))
            {
                if (await transaction.LockVideoAsync(piece.VideoId, ct) is not { State: VideoState.Uploading } video
                    || await transaction.Connection.ExecuteAsync(
                        "update upload_sessions set video_id = $3, expires_at = now() + $4 where id = $1 and video_id = $2", [piece.Id, piece.VideoId, session.VideoId, life], ct) == 0)
                {
                    return false;
                }

                await transaction.MoveAsync(video, VideoTrigger.UploadExpired, null, ct);
                await transaction.Connection.ExecuteAsync("update videos set upload_lease = now() where id = $1", [video.Id], ct);
            }

            return await transaction.Connection.ExecuteAsync("update upload_sessions set received = total_size, expires_at = now() + $2 where id = $1", [session.Id, life], ct) == 1;
        }, ct) == MoveOutcome.Moved;

    /// <summary>Removes sessions that were finished long enough ago; the others go with their video's row.</summary>
    public async Task<int> ForgetExpiredAsync(CancellationToken ct)
    {
        string[] unfinished = [VideoLifecycle.Table.NameOf(VideoState.Uploading), VideoLifecycle.Table.NameOf(VideoState.Completing), VideoLifecycle.Table.NameOf(VideoState.Aborting)];
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("delete from upload_sessions s using videos v where v.id = s.video_id and s.expires_at < now() and v.state <> all($1)", [unfinished], ct);
    }

    /// <summary>Has the sweeper remove what a tus upload has left beside its source, also by a request that was held for dead.</summary>
    internal static async Task SweepTailsAsync(LifecycleTransaction transaction, Guid videoId, CancellationToken ct)
    {
        if (await transaction.Connection.ScalarAsync<bool>("select exists (select from upload_sessions where video_id = $1 and kind = $2)", [videoId, NameOf(UploadKind.Tus)], ct))
        {
            await transaction.SweepAsync(videoId, ct);
        }
    }

    private static string NameOf(UploadKind kind) => kind.ToString().ToLowerInvariant();

    private static UploadSession Map(NpgsqlDataReader row) => new(
        row.GetGuid(0), row.GetGuid(1), row.GetGuid(2), Enum.Parse<UploadKind>(row.GetString(3), ignoreCase: true), row.GetNullable<string>(4), row.GetInt64(5), row.GetInt32(6), row.GetInt64(7),
        row.GetNullable<string>(8), row.GetNullable<string>(9), row.GetNullable<string>(10), row.GetFieldValue<DateTimeOffset>(11), VideoLifecycle.Table.Parse(row.GetString(12)),
        row.GetNullable<long?>(13), row.GetNullable<string>(14));

    private static SessionPart MapPart(NpgsqlDataReader row) => new(row.GetInt32(0), row.GetInt64(1), row.GetString(2), row.GetFieldValue<DateTimeOffset>(3));
}
