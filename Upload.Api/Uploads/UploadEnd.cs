using Amazon.Runtime;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Videos;

namespace Upload.Api.Uploads;

/// <summary>The two ends of every upload, by whichever route it came: made whole, or taken apart.</summary>
public sealed partial class UploadEnd(UploadStore uploads, ObjectStore objects, FaultPoints faults, TimeProvider time, ILogger<UploadEnd> logger)
{
    /// <summary>How long an end may take in a request; below the lease, after which the reaper does it.</summary>
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(20);

    /// <summary>Finishes a video that this process has just made COMPLETING. The client's going away no longer stops it.</summary>
    /// <returns>False when it is left to recovery.</returns>
    public async Task<bool> FinishAsync(Guid videoId, string? s3UploadId, long bytes)
    {
        await faults.PassAsync(FaultPoint.UploadBeforeCompleteObject, CancellationToken.None);
        using CancellationTokenSource within = new(Within, time);
        try
        {
            if (!await MakeWholeAsync(videoId, s3UploadId, bytes, within.Token))
            {
                return false;
            }

            await faults.PassAsync(FaultPoint.UploadAfterCompleteObject, CancellationToken.None);
            return await uploads.VerifiedAsync(videoId, within.Token) is MoveOutcome.Moved or MoveOutcome.AlreadyThere;
        }
        catch (Exception exception) when (exception is OperationCanceledException or AmazonServiceException || Outages.IsOutage(exception))
        {
            // Also the store's refusal where a late part has just replaced one of the list: recovery reads the list anew.
            Log.LeftToRecovery(logger, videoId, exception.Message);
            return false;
        }
    }

    /// <summary>True when the object is whole: it was completed before, or it is now from the parts that the store has.</summary>
    public async Task<bool> MakeWholeAsync(Guid videoId, string? s3UploadId, long bytes, CancellationToken ct)
    {
        var key = ObjectKeys.Source(videoId);
        if (await objects.SizeAsync(key, ct) is { } size)
        {
            return size == bytes;
        }

        return s3UploadId is not null
            && await objects.ListPartsAsync(key, s3UploadId, ct) is { Count: > 0 } parts
            && parts.Sum(part => part.Bytes) == bytes
            && await objects.CompleteUploadAsync(key, s3UploadId, parts, ct);
    }

    /// <summary>Takes an unfinished upload apart; past COMPLETING it is not ours to take apart: recovery finishes it forward.</summary>
    /// <returns>False when it was not, or is left to the reaper.</returns>
    public async Task<bool> TakeApartAsync(Guid videoId, long token)
    {
        using CancellationTokenSource within = new(Within, time);
        try
        {
            if (await uploads.AbandonAsync(videoId, token, within.Token) != MoveOutcome.Moved)
            {
                return false;
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
        {
            Log.LeftToReaper(logger, videoId, exception.Message);
            return false;
        }

        try
        {
            await RemoveAsync(videoId, within.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
        {
            Log.LeftToReaper(logger, videoId, exception.Message);
        }

        return true;
    }

    /// <summary>Removes what an ABORTING upload has in the store, and its row last.</summary>
    public async Task RemoveAsync(Guid videoId, CancellationToken ct)
    {
        await objects.AbortUploadsAsync(ObjectKeys.Source(videoId), ct);
        await objects.DeleteAsync(await objects.ListAsync(ObjectKeys.Video(videoId), ct).Select(entry => entry.Key).ToListAsync(ct), ct);
        await uploads.ForgetAsync(videoId, ct);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Upload of video {VideoId} is left to the reaper: {Reason}")]
        public static partial void LeftToReaper(ILogger logger, Guid videoId, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Upload of video {VideoId} is left to recovery: {Reason}")]
        public static partial void LeftToRecovery(ILogger logger, Guid videoId, string reason);
    }
}
