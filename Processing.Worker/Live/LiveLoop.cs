using Lifecycle.Contracts.Live;
using Lifecycle.Store;
using Lifecycle.Store.Live;
using Lifecycle.Store.Workers;
using Processing.Worker.Pool;

namespace Processing.Worker.Live;

/// <summary>
/// Claims live sessions: broadcasts at once, if need be in the place of tasks, and recordings when a slot is free. An idle worker is first: one that would
/// put tasks off, or encodes a stream already, waits a moment before it claims.
/// </summary>
internal sealed partial class LiveLoop(LiveSessionQueue queue, BroadcastRunner broadcasts, RecordingRunner recordings, PoolSlots slots, WorkerIdentity identity, TimeProvider time, ILogger<LiveLoop> logger)
    : BackgroundService
{
    private static readonly TimeSpan _poll = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _idleFirst = TimeSpan.FromSeconds(1);

    /// <summary>Of all that a broadcast may put off, what somebody waits for most.</summary>
    private const int RecordingPriority = 10;

    private readonly List<Task> _running = [];

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_poll, time);
        try
        {
            do
            {
                _running.RemoveAll(run => run.IsCompleted);
                await StepAsync(stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping: the sessions see the same token, list what they have and give themselves back.
        }

        await Task.WhenAll(_running);
    }

    private async Task StepAsync(CancellationToken ct)
    {
        try
        {
            while (slots.FreeForLive > 0 && await ClaimAsync(ct))
            {
                // The next one.
            }

            slots.Keep(slots.Free == 0 && slots.FreeForLive > 0 && await queue.IsRecordingDueAsync(ct) ? 1 : 0);
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            Log.NoClaim(logger, exception.Message);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            Log.ClaimBroken(logger, exception);
        }
    }

    private async Task<bool> ClaimAsync(CancellationToken ct)
    {
        var begun = time.GetTimestamp();
        LiveRoom room = new(slots.FreeForLive, slots.Free, slots.Busy == 0 ? TimeSpan.Zero : _idleFirst);
        if (await queue.ClaimAsync(await identity.GetAsync(ct), room, ct) is not { } session)
        {
            return false;
        }

        _running.Add(session.State == LiveSessionState.Recording
            ? Start(slots.Begin(1, RecordingPriority, ct), slot => RecordAsync(session, slot, begun))
            : Start(slots.TakeForLive(session.Slots), slot => EncodeAsync(session, slot, begun, ct)));
        return true;
    }

    /// <summary>The slot is taken here and now, so that the next look at what is free sees it.</summary>
    private static Task Start<T>(T slot, Func<T, Task> run) => Task.Run(() => run(slot), CancellationToken.None);

    private async Task EncodeAsync(ClaimedSession session, IDisposable slot, long begun, CancellationToken stopping)
    {
        using (slot)
        {
            await broadcasts.RunAsync(session, begun, stopping);
        }
    }

    private async Task RecordAsync(ClaimedSession session, PoolSlot slot, long begun)
    {
        using (slot)
        {
            await recordings.RunAsync(session, begun, slot.Stop);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "No claim of a live session: {Reason}")]
        public static partial void NoClaim(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "No claim of a live session, unexpectedly")]
        public static partial void ClaimBroken(ILogger logger, Exception exception);
    }
}
