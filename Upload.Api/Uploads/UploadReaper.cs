using Lifecycle.Contracts;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store;
using Lifecycle.Store.Idempotency;
using Lifecycle.Store.Uploads;
using Lifecycle.Store.Videos;

namespace Upload.Api.Uploads;

/// <summary>
/// Ends what requests left behind when their process died: an upload with bytes missing is taken apart, one that had all its
/// bytes is finished forward. Any number of replicas may run it; each row is taken over with a new token.
/// </summary>
public sealed partial class UploadReaper(UploadStore uploads, UploadSessions sessions, IdempotencyStore keys, UploadEnd end, ILogger<UploadReaper> logger)
{
    private const int Batch = 20;

    public async Task PassAsync(CancellationToken ct)
    {
        foreach (var upload in await uploads.TakeOverExpiredAsync(Batch, ct))
        {
            await RecoverApartAsync(upload, ct);
        }

        await keys.ForgetExpiredAsync(ct);
        await sessions.ForgetExpiredAsync(ct);
    }

    /// <summary>One upload's failure must not keep the others waiting; its new lease runs out and it is taken over again.</summary>
    private async Task RecoverApartAsync(ExpiredUpload upload, CancellationToken ct)
    {
        try
        {
            await RecoverAsync(upload, ct);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested && !Outages.IsOutage(exception))
        {
            Log.NotRecovered(logger, exception, upload.VideoId);
        }
    }

    private async Task RecoverAsync(ExpiredUpload upload, CancellationToken ct)
    {
        Log.Recovering(logger, upload.VideoId, upload.State);
        if (upload.State == VideoState.Completing)
        {
            if (upload.Bytes is { } bytes && await end.MakeWholeAsync(upload.VideoId, upload.S3UploadId, bytes, ct))
            {
                await uploads.VerifiedAsync(upload.VideoId, ct);
                return;
            }

            await uploads.ObjectMissingAsync(upload.VideoId, upload.Token, ct);
        }

        if (upload.State == VideoState.Aborting || await uploads.AbandonAsync(upload.VideoId, upload.Token, ct) == MoveOutcome.Moved)
        {
            await end.RemoveAsync(upload.VideoId, ct);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Upload of video {VideoId} was left in {State}; recovering")]
        public static partial void Recovering(ILogger logger, Guid videoId, VideoState state);

        [LoggerMessage(Level = LogLevel.Error, Message = "Upload of video {VideoId} could not be recovered")]
        public static partial void NotRecovered(ILogger logger, Exception exception, Guid videoId);
    }
}
