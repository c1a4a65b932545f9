using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Idempotency;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Videos;
using Microsoft.Extensions.Options;

namespace Upload.Api.Uploads;

/// <summary>The Idempotency-Key of a request, with what it is scoped to.</summary>
public sealed record IdempotencyKey(string Scope, string Key);

/// <summary>What came of an upload: a video or a problem.</summary>
public readonly record struct UploadOutcome(Guid VideoId, Problem? Problem)
{
    public static UploadOutcome Refused(Problem problem) => new(Guid.Empty, problem);
}

/// <summary>
/// Takes one file from the first byte to UPLOADED: row, multipart upload, parts, COMPLETING, object, commit. Whatever ends it
/// early, nothing stays behind: this process takes the upload apart, or the reaper does once its lease has run out.
/// </summary>
public sealed partial class SourceUpload(
    UploadStore uploads, UploadEnd end, IdempotencyStore keys, ObjectStore objects, FaultPoints faults, IOptions<UploadOptions> options, TimeProvider time, ILogger<SourceUpload> logger)
{
    private static readonly TimeSpan _beat = TimeSpan.FromSeconds(10);

    /// <param name="videoId">The id that the video will have.</param>
    /// <param name="ownerId">The account that the video belongs to; null: none.</param>
    /// <param name="file">The file; read once.</param>
    /// <param name="accept">Reads what follows the file and says whether body and digest hold; runs before anything is committed.</param>
    /// <param name="key">Its lease is kept while the upload runs.</param>
    /// <param name="length">The request's length, as an upper bound of the file's.</param>
    /// <param name="ct">Ends with the client's connection.</param>
    public async Task<UploadOutcome> RunAsync(
        Guid videoId, Guid? ownerId, FilePart file, Func<RunningDigest, CancellationToken, Task<Problem?>> accept, IdempotencyKey? key, long? length, bool sha512, CancellationToken ct)
    {
        var token = await uploads.BeginAsync(videoId, ownerId, file.FileName, ct);
        await using Heartbeat beat = new(_beat, alive => BeatAsync(videoId, token, key, alive), time);
        using var lasting = CancellationTokenSource.CreateLinkedTokenSource(ct, beat.Lost);
        try
        {
            // A key that was taken over before this row was there could not fence it.
            var outcome = key is null || await keys.RenewAsync(key.Scope, key.Key, videoId, ct)
                ? await TransferAsync(videoId, token, file, accept, length, sha512, lasting.Token)
                : UploadOutcome.Refused(Problems.StorageFailure);
            if (outcome.Problem is not null)
            {
                await end.TakeApartAsync(videoId, token);
            }

            return outcome;
        }
        catch (UploadTooLargeException)
        {
            await end.TakeApartAsync(videoId, token);
            return UploadOutcome.Refused(Problems.TooLarge);
        }
        catch (Exception)
        {
            await end.TakeApartAsync(videoId, token);
            throw;
        }
    }

    private async Task<UploadOutcome> TransferAsync(
        Guid videoId, long token, FilePart file, Func<RunningDigest, CancellationToken, Task<Problem?>> accept, long? length, bool sha512, CancellationToken ct)
    {
        var objectKey = ObjectKeys.Source(videoId);
        var s3Upload = await objects.BeginUploadAsync(objectKey, ct);
        if (!await uploads.NoteS3UploadAsync(videoId, token, s3Upload, ct))
        {
            await objects.AbortUploadsAsync(objectKey, ct); // begun after the reaper had taken the video away: nobody else knows of it
            return UploadOutcome.Refused(Problems.StorageFailure);
        }

        using RunningDigest digest = new(sha512);
        await using PartWriter writer = new(objects, objectKey, s3Upload, options.Value.PartBytes(length));
        FaultingStream body = new(file.Body, faults);
        var parts = await writer.WriteAsync(body, digest, options.Value.MaxBytes, ct);
        if (parts.Count == 0)
        {
            return UploadOutcome.Refused(Problems.EmptyFile);
        }

        if (await accept(digest, ct) is { } problem)
        {
            return UploadOutcome.Refused(problem);
        }

        if (await uploads.BytesSentAsync(videoId, token, digest.Bytes, digest.Sha256(), ct) != MoveOutcome.Moved)
        {
            return UploadOutcome.Refused(Problems.StorageFailure); // the reaper or the key's next request took it: this process had stalled past its lease
        }

        // From here on the upload is finished forward: the client's going away no longer stops it.
        await faults.PassAsync(FaultPoint.UploadBeforeCompleteObject, CancellationToken.None);
        using CancellationTokenSource finish = new(UploadEnd.Within, time);
        if (!await objects.CompleteUploadAsync(objectKey, s3Upload, parts, finish.Token))
        {
            return UploadOutcome.Refused(Problems.StorageFailure);
        }

        await faults.PassAsync(FaultPoint.UploadAfterCompleteObject, CancellationToken.None);
        var verified = await uploads.VerifiedAsync(videoId, finish.Token);
        return verified is MoveOutcome.Moved or MoveOutcome.AlreadyThere ? new(videoId, null) : UploadOutcome.Refused(Problems.StorageFailure);
    }

    /// <summary>Renews the lease; a lost one ends the transfer.</summary>
    private async Task<bool> BeatAsync(Guid videoId, long token, IdempotencyKey? key, CancellationToken ct)
    {
        try
        {
            if (!await uploads.RenewAsync(videoId, token, ct))
            {
                return false;
            }

            if (key is not null)
            {
                await keys.RenewAsync(key.Scope, key.Key, videoId, ct);
            }
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            Log.BeatMissed(logger, videoId, exception.Message); // three beats fit into a lease
        }

        return true;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Upload of video {VideoId} missed a beat: {Reason}")]
        public static partial void BeatMissed(ILogger logger, Guid videoId, string reason);
    }
}
