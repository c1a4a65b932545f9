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

        var slot = slots.TakeForLive(session.State == LiveSessionState.Recording ? 1 : session.Slots);
        _running.Add(Task.Run(() => RunAsync(session, slot, begun, ct), CancellationToken.None));
        return true;
    }

    private async Task RunAsync(ClaimedSession session, IDisposable slot, long begun, CancellationToken stopping)
    {
        using (slot)
        {
            await (session.State == LiveSessionState.Recording ? recordings.RunAsync(session, begun, stopping) : broadcasts.RunAsync(session, begun, stopping));
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
