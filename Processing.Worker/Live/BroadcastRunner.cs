using Lifecycle.Contracts.Live;
using Lifecycle.Store;
using Lifecycle.Store.Live;
using Microsoft.Extensions.Options;
using Processing.Worker.Tasks;

namespace Processing.Worker.Live;

/// <summary>
/// Encodes one claimed session for as long as its broadcast lasts: connection after connection, until the input stays away for too long, the session is
/// ended by somebody else, or the worker stops.
/// </summary>
internal sealed partial class BroadcastRunner(
    LiveSessionQueue queue, GenerationRunner generations, PlayKeys keys, ScratchSpace scratch, LiveMetrics metrics,
    IOptions<StreamOptions> streams, IOptions<WorkerOptions> options, TimeProvider time, ILogger<BroadcastRunner> logger)
{
    /// <summary>An input that comes and goes all the time is given a rest: each generation costs two processes and a discontinuity.</summary>
    private const int MostGenerationsPerMinute = 12;

    private static readonly TimeSpan _refusedRest = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _giveBackWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _failedRest = TimeSpan.FromSeconds(5);

    /// <param name="claimed">When the claim was begun, as the time provider's timestamp.</param>
    public async Task RunAsync(ClaimedSession session, long claimed, CancellationToken stopping)
    {
        Log.Began(logger, session.StreamId, session.LeaseToken, session.WasSeen);
        metrics.Began();
        using Broadcast broadcast = new(session, queue, streams.Value, options.Value, time);
        string? folder = null;
        var rest = TimeSpan.Zero;
        await using SessionLease lease = new(session.StreamId, claimed, broadcast.BeatAsync, time, logger);
        try
        {
            folder = scratch.Create(session.LeaseToken);
            using var over = CancellationTokenSource.CreateLinkedTokenSource(lease.Held, broadcast.Over);
            await RunAsync(session, broadcast, folder, stopping, over.Token);
        }
        catch (OperationCanceledException)
        {
            // Over, lost or stopping: told apart below.
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            Log.Failed(logger, exception, session.StreamId);
            rest = _failedRest;
            broadcast.Flushed();
        }
        finally
        {
            if (folder is not null)
            {
                scratch.Remove(folder);
            }
        }

        var lost = lease.Held.IsCancellationRequested && !broadcast.Over.IsCancellationRequested;
        metrics.Ended(lost);
        if (!lost && !broadcast.Over.IsCancellationRequested)
        {
            await GiveBackAsync(session, broadcast, rest);
        }

        Log.Ended(logger, session.StreamId, broadcast.Over.IsCancellationRequested ? "it is complete" : lost ? "the session was ended or is somebody else's" : "given back");
    }

    private async Task RunAsync(ClaimedSession session, Broadcast broadcast, string folder, CancellationToken stopping, CancellationToken over)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(stopping, over);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(stopping, broadcast.Ending);
        var ring = InputRing.Of(session, keys, streams.Value);
        Queue<long> begun = [];
        for (var connection = 1; !ending.IsCancellationRequested; connection++)
        {
            if (broadcast.Ending.IsCancellationRequested)
            {
                await Task.Delay(_refusedRest, time, ending.Token); // the next beat completes it
                continue;
            }

            var (end, detail) = await generations.RunAsync(new(new(session, connection), ring.Current, ring.Patience, folder, broadcast.Seen, stop.Token, over));
            broadcast.Flushed();
            if (end is GenerationEnd.InputRefused or GenerationEnd.InputTooFast)
            {
                await StoreRetry.UntilDoneAsync(async within => { await queue.NoteInputAsync(session, detail, within); return true; }, time, ending.Token);
            }

            var rest = end switch
            {
                GenerationEnd.NoInput => ring.GaveNothing(),
                GenerationEnd.StoreRefused => _refusedRest,
                GenerationEnd.InputRefused or GenerationEnd.InputTooFast or GenerationEnd.EncoderFailed => _refusedRest + ring.GaveNothing(),
                _ => TimeSpan.Zero,
            };
            if (end != GenerationEnd.NoInput)
            {
                ring.Gave();
                begun.Enqueue(time.GetTimestamp());
                rest = rest > RestOf(begun) ? rest : RestOf(begun);
            }

            await Task.Delay(rest, time, ending.Token);
        }
    }

    private TimeSpan RestOf(Queue<long> begun)
    {
        while (begun.TryPeek(out var first) && time.GetElapsedTime(first) > TimeSpan.FromMinutes(1))
        {
            begun.Dequeue();
        }

        return begun.Count < MostGenerationsPerMinute ? TimeSpan.Zero : TimeSpan.FromMinutes(1) - time.GetElapsedTime(begun.Peek());
    }

    /// <summary>What another worker takes over at once; left undone, it does when the lease has run out.</summary>
    private async Task GiveBackAsync(ClaimedSession session, Broadcast broadcast, TimeSpan rest)
    {
        using CancellationTokenSource within = new(_giveBackWithin, time);
        try
        {
            // One that every worker fails at once never comes to its first beat, and would never be over.
            if (rest > TimeSpan.Zero && !await broadcast.BeatAsync(within.Token))
            {
                return;
            }

            await queue.GiveBackAsync(session, rest, within.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
        {
            Log.NotGivenBack(logger, session.StreamId, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Live stream {StreamId}: encoding under lease {LeaseToken}, seen before: {WasSeen}")]
        public static partial void Began(ILogger logger, string streamId, long leaseToken, bool wasSeen);

        [LoggerMessage(Level = LogLevel.Information, Message = "Live stream {StreamId}: no longer encoded here: {Why}")]
        public static partial void Ended(ILogger logger, string streamId, string why);

        [LoggerMessage(Level = LogLevel.Error, Message = "Live stream {StreamId}: encoding failed unexpectedly; the session is given back")]
        public static partial void Failed(ILogger logger, Exception exception, string streamId);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Live stream {StreamId}: the session could not be given back, its lease will run out: {Reason}")]
        public static partial void NotGivenBack(ILogger logger, string streamId, string reason);
    }
}
