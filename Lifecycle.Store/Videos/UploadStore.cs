using System.Diagnostics;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Database;
using Lifecycle.Store.Jobs;
using Lifecycle.Store.Limiting;
using Lifecycle.Store.Uploads;

namespace Lifecycle.Store.Videos;

/// <summary>An upload as the reaper finds it: its lease has run out.</summary>
public sealed record ExpiredUpload(Guid VideoId, VideoState State, long Token, string? S3UploadId, long? Bytes, byte[]? Sha256);

/// <summary>
/// The rows of uploads from their first byte to UPLOADED. Every write after <see cref="BeginAsync"/> carries the upload's
/// token, so that a request whose upload was taken over changes nothing.
/// </summary>
public sealed class UploadStore(LifecycleDatabase database, Quotas quotas)
{
    /// <summary>How long an upload is left alone without a sign of life.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(30);

    /// <summary>Whether the id is a video's, or was one's.</summary>
    public async Task<bool> IsTakenAsync(Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ScalarAsync<bool>("select exists (select from videos where id = $1)", [videoId], ct);
    }

    /// <param name="ownerId">Null: sent without an account.</param>
    /// <returns>The upload's fencing token.</returns>
    public Task<long> BeginAsync(Guid videoId, Guid? ownerId, string? fileName, CancellationToken ct) => BeginAsync(videoId, ownerId, fileName, isPartial: false, ct);

    /// <param name="ownerId">Null: sent without an account.</param>
    /// <param name="isPartial">A part of a tus concatenation: it becomes no video, and counts as none.</param>
    /// <returns>The upload's fencing token.</returns>
    /// <exception cref="QuotaExceededException">The owner has had its videos of today. Routes let it pass: it is answered in one place.</exception>
    public async Task<long> BeginAsync(Guid videoId, Guid? ownerId, string? fileName, bool isPartial, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (ownerId is { } owner && !isPartial)
        {
            await quotas.AdmitAsync(transaction, owner, ct);
        }

        var state = VideoLifecycle.Table.NameOf(VideoLifecycle.Table.Initial(VideoTrigger.UploadBegun));
        var token = await transaction.Connection.ScalarAsync<long>(
            """
            with begun as (
                insert into videos (id, state, file_name, upload_token, upload_lease, trace_parent, owner_id, is_partial)
                values ($1, $2, $3, nextval('lease_tokens'), now() + $4, $5, $7, $8) returning id, sequence, upload_token),
            noted as (insert into video_history (video_id, sequence, trigger, state) select id, sequence, $6, $2 from begun)
            select upload_token from begun
            """, [videoId, state, fileName, Lease, Activity.Current?.Id, nameof(VideoTrigger.UploadBegun), ownerId, isPartial], ct);
        await transaction.CommitAsync(ct);
        return token;
    }

    /// <returns>False when the upload was taken over: stop.</returns>
    public async Task<bool> NoteS3UploadAsync(Guid videoId, long token, string s3UploadId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("update videos set s3_upload_id = $3 where id = $1 and upload_token = $2", [videoId, token, s3UploadId], ct) == 1;
    }

    /// <returns>False when the upload was taken over: stop.</returns>
    public async Task<bool> RenewAsync(Guid videoId, long token, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ExecuteAsync("update videos set upload_lease = now() + $3 where id = $1 and upload_token = $2", [videoId, token, Lease], ct) == 1;
    }

    /// <summary>All bytes are in the store's multipart upload: from here recovery completes it, whatever happens to this process.</summary>
    public Task<MoveOutcome> BytesSentAsync(Guid videoId, long token, long bytes, byte[] sha256, CancellationToken ct) =>
        BytesSentAsync(videoId, token, bytes, sha256, _ => Task.FromResult(true), ct);

    /// <param name="sha256">Null where the bytes came in pieces: the plan finds it out.</param>
    /// <param name="with">What commits with the move; false: nothing does.</param>
    internal async Task<MoveOutcome> BytesSentAsync(Guid videoId, long token, long bytes, byte[]? sha256, Func<LifecycleTransaction, Task<bool>> with, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var video = await transaction.LockVideoAsync(videoId, ct);
        if (video is null || video.UploadToken != token)
        {
            return MoveOutcome.Missing;
        }

        await transaction.Connection.ExecuteAsync(
            "update videos set source_bytes = $2, source_sha256 = $3, upload_lease = now() + $4 where id = $1", [videoId, bytes, sha256, Lease], ct);
        var outcome = await transaction.MoveAsync(video, VideoTrigger.BytesSent, null, ct);
        if (outcome == MoveOutcome.Moved && !await with(transaction))
        {
            return MoveOutcome.Missing;
        }

        await transaction.CommitAsync(ct);
        return outcome;
    }

    /// <summary>The object is whole: UPLOADED, with its job, its first task and a permit, in one transaction.</summary>
    public async Task<MoveOutcome> VerifiedAsync(Guid videoId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await transaction.LockVideoAsync(videoId, ct) is not { } video)
        {
            return MoveOutcome.Missing;
        }

        var outcome = await transaction.MoveAsync(video, VideoTrigger.ObjectVerified, null, ct);
        if (outcome == MoveOutcome.NotAllowed && VideoLifecycle.IsVisible(video.State))
        {
            outcome = MoveOutcome.AlreadyThere; // recovery finished it and a worker has it already
        }

        if (outcome == MoveOutcome.Moved)
        {
            await transaction.Connection.ExecuteAsync("update videos set upload_token = null, upload_lease = null, s3_upload_id = null where id = $1", [videoId], ct);
            await JobStore.InsertAsync(transaction, video, JobTrigger.Created, new(JobKind.Ingest, Version: 1), ct);
            if (await transaction.Connection.ScalarAsync<bool>("select exists (select from chunk_uploads where video_id = $1)", [videoId], ct))
            {
                await JobStore.InsertAsync(transaction, video, JobTrigger.Created, new(JobKind.Distribute, Version: 0), ct);
            }

            await UploadSessions.SweepTailsAsync(transaction, videoId, ct);
        }

        await transaction.CommitAsync(ct);
        return outcome;
    }

    /// <summary>Moves an upload whose client is gone to ABORTING; the caller then aborts it in the store and calls <see cref="ForgetAsync"/>.</summary>
    public Task<MoveOutcome> AbandonAsync(Guid videoId, long token, CancellationToken ct) => MoveAsync(videoId, token, VideoTrigger.UploadExpired, ct);

    /// <summary>The store has neither the object nor the upload.</summary>
    public Task<MoveOutcome> ObjectMissingAsync(Guid videoId, long token, CancellationToken ct) => MoveAsync(videoId, token, VideoTrigger.ObjectMissing, ct);

    /// <summary>Deletes the row of an aborted upload.</summary>
    public async Task ForgetAsync(Guid videoId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await connection.ExecuteAsync("delete from videos where id = $1 and state = $2", [videoId, VideoLifecycle.Table.NameOf(VideoState.Aborting)], ct);
    }

    /// <summary>Takes over at most <paramref name="most"/> uploads whose lease ran out: each gets a new token and a new lease.</summary>
    public async Task<IReadOnlyList<ExpiredUpload>> TakeOverExpiredAsync(int most, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            """
            update videos set upload_token = nextval('lease_tokens'), upload_lease = now() + $2
            where id in (select id from videos where state in ('UPLOADING', 'COMPLETING', 'ABORTING') and upload_lease < now() order by upload_lease for update skip locked limit $1)
            returning id, state, upload_token, s3_upload_id, source_bytes, source_sha256
            """, [most, Lease],
            row => new ExpiredUpload(row.GetGuid(0), VideoLifecycle.Table.Parse(row.GetString(1)), row.GetInt64(2), row.GetNullable<string>(3), row.GetNullable<long?>(4), row.GetNullable<byte[]>(5)), ct);
    }

    /// <summary>Bytes of all sources and job outputs that are kept, and of those that open sessions have announced: what the storage budget counts.</summary>
    public async Task<long> StoredBytesAsync(CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return (long)await connection.ScalarAsync<decimal>(
            """
            select (coalesce(sum(source_bytes), 0)
                + coalesce((select sum(s.total_size) from upload_sessions s join videos v on v.id = s.video_id where v.state = $2), 0)
                + coalesce((select sum((file ->> 'bytes')::bigint) from jobs j, jsonb_array_elements(j.output -> 'files') file), 0))::numeric
            from videos where state <> $1
            """, [VideoLifecycle.Table.NameOf(VideoState.Deleted), VideoLifecycle.Table.NameOf(VideoState.Uploading)], ct);
    }

    private async Task<MoveOutcome> MoveAsync(Guid videoId, long token, VideoTrigger trigger, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var video = await transaction.LockVideoAsync(videoId, ct);
        if (video is null || video.UploadToken != token)
        {
            return MoveOutcome.Missing;
        }

        var outcome = await transaction.MoveAsync(video, trigger, null, ct);
        if (outcome == MoveOutcome.Moved)
        {
            // A session's lease lasts for hours: who dies now is to be rescued soon.
            await transaction.Connection.ExecuteAsync("update videos set upload_lease = now() + $2 where id = $1", [videoId, Lease], ct);
        }

        await transaction.CommitAsync(ct);
        return outcome;
    }
}
