using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Live;
using Lifecycle.Store.Objects;
using Processing.Worker.Tasks;

namespace Processing.Worker.Live;

/// <summary>Makes a finished broadcast a video: its pieces one transport stream, that a source, and from there the way of every upload.</summary>
internal sealed partial class RecordingRunner(
    LiveSessionQueue queue, LiveRecordings recordings, RecordingJoiner joiner, ObjectStore objects, ScratchSpace scratch, FaultPoints faults, TimeProvider time, ILogger<RecordingRunner> logger)
{
    private static readonly TimeSpan _endWithin = TimeSpan.FromSeconds(10);

    /// <param name="claimed">When the claim was begun, as the time provider's timestamp.</param>
    public async Task RunAsync(ClaimedSession session, long claimed, CancellationToken stopping)
    {
        await using SessionLease lease = new(session.StreamId, claimed, ct => recordings.BeatAsync(session, ct), time, logger);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, lease.Held);
        string? folder = null;
        try
        {
            folder = scratch.Create(session.LeaseToken);
            var path = await joiner.JoinAsync(await recordings.PiecesAsync(session.StreamId, stop.Token), folder, stop.Token);
            var bytes = new FileInfo(path).Length;
            var key = ObjectKeys.Source(session.VideoId);
            if (await objects.SizeAsync(key, stop.Token) is { } stored && stored != bytes)
            {
                await objects.DeleteAsync([key], stop.Token); // an attempt before, of which nothing is noted
            }

            await objects.PutFileAsync(key, path, "application/octet-stream", stop.Token);
            await faults.PassAsync(FaultPoint.LiveRecordingStored, stop.Token);
            var finished = await recordings.FinishAsync(session, bytes, stop.Token);
            Log.Ended(logger, session.StreamId, session.VideoId, finished, bytes);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            await EndAsync(session, lease, exception, stopping);
        }
        finally
        {
            if (folder is not null)
            {
                scratch.Remove(folder);
            }
        }
    }

    private async Task EndAsync(ClaimedSession session, SessionLease lease, Exception exception, CancellationToken stopping)
    {
        if (lease.Held.IsCancellationRequested)
        {
            Log.Lost(logger, session.StreamId);
            return;
        }

        using CancellationTokenSource within = new(_endWithin, time);
        try
        {
            if (stopping.IsCancellationRequested)
            {
                await queue.GiveBackAsync(session, TimeSpan.Zero, within.Token);
                return;
            }

            Log.Failed(logger, exception, session.StreamId, session.Attempt);
            await recordings.FailAsync(session, exception.Message, spends: exception is not ScratchFullException && !Outages.IsOutage(exception), within.Token);
        }
        catch (Exception outage) when (outage is OperationCanceledException || Outages.IsOutage(outage))
        {
            Log.Lost(logger, session.StreamId); // the lease runs out, and another worker begins anew
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Live stream {StreamId}: its recording is video {VideoId}: {Finished}, {Bytes} bytes")]
        public static partial void Ended(ILogger logger, string streamId, Guid videoId, bool finished, long bytes);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Live stream {StreamId}: its recording could not be made a video, attempt {Attempt}")]
        public static partial void Failed(ILogger logger, Exception exception, string streamId, int attempt);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Live stream {StreamId}: the recording's lease was lost")]
        public static partial void Lost(ILogger logger, string streamId);
    }
}
