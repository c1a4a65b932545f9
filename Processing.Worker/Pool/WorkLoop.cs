using Lifecycle.Store;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Workers;
using Microsoft.Extensions.Options;
using Processing.Worker.Live;
using Processing.Worker.Media;
using Processing.Worker.Tasks;

namespace Processing.Worker.Pool;

/// <summary>
/// Fills this worker's slots: claims until nothing is runnable, then waits for a permit, for the next task's time, or for a
/// poll, and looks again after every task. Postgres has the order; a permit only shortens the wait. Slots that live sessions hold
/// are not free, and a task whose slot one takes is given back.
/// </summary>
public sealed partial class WorkLoop(
    TaskQueue queue, TaskRunner runner, WorkerIdentity identity, WorkerRegistry registry, Permits permits, EncoderList encoders, PoolSlots slots, LiveCapacity capacity,
    IOptions<TranscoderOptions> transcoder, TimeProvider time, ILogger<WorkLoop> logger)
    : BackgroundService
{
    private static readonly TimeSpan _poll = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan _leaveWithin = TimeSpan.FromSeconds(3);

    private readonly List<Task> _running = [];
    private IReadOnlyList<string>? _encoders;
    private string? _id;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var beating = BeatAsync(stoppingToken);
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await StepAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Stopping: the running tasks see the same token and give themselves back.
        }

        await Task.WhenAll(_running);
        await beating;
        await LeaveAsync();
    }

    /// <summary>Behind the last beat, so that nothing writes the row again. Left undone, the worker is OFFLINE until it is forgotten.</summary>
    private async Task LeaveAsync()
    {
        using CancellationTokenSource within = new(_leaveWithin, time);
        try
        {
            if (_id is { } id)
            {
                await registry.LeaveAsync(id, identity.Instance, within.Token);
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
        {
            Log.NotLeft(logger, exception.Message);
        }
    }

    private async Task StepAsync(CancellationToken ct)
    {
        _running.RemoveAll(run => run.IsCompleted);
        var changed = slots.Changed; // taken before the count, so that no change is missed
        var free = slots.FreeForTasks;
        if (free <= 0)
        {
            permits.SetFull(true);
            await changed.WaitAsync(ct);
            return;
        }

        permits.SetFull(false);
        var claim = await ClaimAsync(new(free, slots.Total, transcoder.Value.MaxConcurrent), ct);
        permits.Claimed();
        if (claim.Task is { } task)
        {
            var slot = slots.Begin(task.Slots, task.Priority, ct);
            _running.Add(Task.Run(() => RunAsync(task, slot), CancellationToken.None));
            return;
        }

        var wait = _poll * (1 + Random.Shared.NextDouble());
        if (claim.NextDue is { } due && due - time.GetUtcNow() is var until && until < wait)
        {
            wait = until > TimeSpan.FromMilliseconds(20) ? until : TimeSpan.FromMilliseconds(20);
        }

        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(permits.WaitAsync(wait, waiting.Token), changed);
        await waiting.CancelAsync(); // one who waits no more would take the next permit
    }

    private async Task RunAsync(ClaimedTask task, PoolSlot slot)
    {
        using (slot)
        {
            await runner.RunAsync(task, slot.Stop);
        }
    }

    private async Task<ClaimResult> ClaimAsync(ClaimRoom room, CancellationToken ct)
    {
        try
        {
            return await queue.ClaimAsync(await identity.GetAsync(ct), room, ct);
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            Log.ClaimFailed(logger, exception.Message);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            Log.ClaimBroken(logger, exception);
        }

        return new(null, null);
    }

    private async Task BeatAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(WorkerRegistry.Beat, time);
        try
        {
            do
            {
                try
                {
                    _id = await identity.GetAsync(ct);
                    await registry.BeatAsync(_id, identity.Instance, slots.Total, slots.Busy, await EncodersAsync(ct), capacity.PixelsPerSecond, ct);
                }
                catch (Exception exception) when (Outages.IsOutage(exception))
                {
                    Log.BeatFailed(logger, exception.Message);
                }
                catch (Exception exception) when (!ct.IsCancellationRequested)
                {
                    Log.BeatBroken(logger, exception);
                }
            }
            while (await timer.WaitForNextTickAsync(ct));
        }
        catch (OperationCanceledException)
        {
            // Stopping.
        }
    }

    /// <summary>Empty where ffmpeg does not answer: the next beat asks again, and this one must not fail for it.</summary>
    private async Task<IReadOnlyList<string>> EncodersAsync(CancellationToken ct)
    {
        try
        {
            return _encoders ??= await encoders.ReadAsync(ct);
        }
        catch (MediaFailureException exception)
        {
            Log.NoEncoders(logger, exception.Message);
            return [];
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "No claim: {Reason}")]
        public static partial void ClaimFailed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "No claim, unexpectedly")]
        public static partial void ClaimBroken(ILogger logger, Exception exception);

        [LoggerMessage(Level = LogLevel.Warning, Message = "No beat: {Reason}")]
        public static partial void BeatFailed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "No beat, unexpectedly")]
        public static partial void BeatBroken(ILogger logger, Exception exception);

        [LoggerMessage(Level = LogLevel.Warning, Message = "ffmpeg does not tell its encoders: {Reason}")]
        public static partial void NoEncoders(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The worker stays in the list: {Reason}")]
        public static partial void NotLeft(ILogger logger, string reason);
    }
}
