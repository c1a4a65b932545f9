using Lifecycle.Store.Tasks;
using Lifecycle.Store.Workers;

namespace Processing.Worker.Tasks;

/// <summary>
/// Beats for one task: keeps its lease, carries progress up, and stops the work when the job was stopped or the lease is
/// somebody else's, or could be: when no beat came through for a lease's length.
/// </summary>
public sealed class LeaseKeeper : IProgress<double>, IAsyncDisposable
{
    private readonly TaskQueue _queue;
    private readonly ClaimedTask _task;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _stop;
    private readonly CancellationTokenSource _done = new();
    private readonly Task _beating;
    private double _progress;

    public LeaseKeeper(TaskQueue queue, ClaimedTask task, TimeProvider time, ILogger logger, CancellationToken stopping)
    {
        (_queue, _task, _time, _logger) = (queue, task, time, logger);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _beating = BeatAsync();
    }

    /// <summary>Ends when the work must.</summary>
    public CancellationToken Stop => _stop.Token;

    public bool IsLost { get; private set; }

    /// <summary>The job was paused, cancelled or deleted.</summary>
    public bool IsStopped { get; private set; }

    public void Report(double value) => Volatile.Write(ref _progress, Math.Clamp(value, 0, 1));

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await _beating;
        _stop.Dispose();
        _done.Dispose();
    }

    private async Task BeatAsync()
    {
        using PeriodicTimer timer = new(WorkerRegistry.Beat, _time);
        var lastBeat = _time.GetTimestamp();
        try
        {
            while (await timer.WaitForNextTickAsync(_done.Token))
            {
                try
                {
                    var order = await _queue.BeatAsync(_task, Volatile.Read(ref _progress), _done.Token);
                    lastBeat = _time.GetTimestamp();
                    IsLost = order == LeaseOrder.Lost;
                    IsStopped = order == LeaseOrder.Stop;
                }
                catch (Exception exception) when (!_done.IsCancellationRequested) // whatever it is: without beats the lease would run out unseen
                {
                    _logger.BeatMissed(_task.TaskId, exception.Message);
                    IsLost = _time.GetElapsedTime(lastBeat) > TaskQueue.Lease;
                }

                if (IsLost || IsStopped)
                {
                    await _stop.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The task is over.
        }
    }
}

internal static partial class LeaseLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "Task {TaskId} missed a beat: {Reason}")]
    public static partial void BeatMissed(this ILogger logger, Guid taskId, string reason);
}
