using Lifecycle.Contracts.Live;

namespace Processing.Worker.Live;

/// <summary>
/// Beats for a session, and ends <see cref="Held"/> when it is somebody else's or could be: when no beat came through for a lease's length, reckoned from
/// before the last one that did.
/// </summary>
public sealed partial class SessionLease : IAsyncDisposable
{
    private static readonly TimeSpan _beat = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _beatWithin = TimeSpan.FromSeconds(2);

    private readonly string _streamId;
    private readonly Func<CancellationToken, Task<bool>> _beats;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly CancellationTokenSource _held = new();
    private readonly CancellationTokenSource _done = new();
    private readonly Task _beating;

    /// <param name="claimed">When the claim was begun, as the time provider's timestamp.</param>
    /// <param name="beat">False: the session is not this worker's any more.</param>
    public SessionLease(string streamId, long claimed, Func<CancellationToken, Task<bool>> beat, TimeProvider time, ILogger logger)
    {
        (_streamId, _beats, _time, _logger) = (streamId, beat, time, logger);
        Held = _held.Token;
        _beating = BeatAsync(claimed);
    }

    /// <summary>Ends with the lease.</summary>
    public CancellationToken Held { get; }

    public async ValueTask DisposeAsync()
    {
        await _done.CancelAsync();
        await _beating;
        _held.Dispose();
        _done.Dispose();
    }

    private async Task BeatAsync(long lastBeat)
    {
        using PeriodicTimer timer = new(_beat, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_done.Token))
            {
                var begun = _time.GetTimestamp();
                bool holds;
                try
                {
                    using var within = CancellationTokenSource.CreateLinkedTokenSource(_done.Token);
                    within.CancelAfter(_beatWithin); // one that hangs must not hide that the lease runs out
                    holds = await _beats(within.Token);
                    lastBeat = holds ? begun : lastBeat;
                }
                catch (Exception exception) when (!_done.IsCancellationRequested) // whatever it is: without beats the lease would run out unseen
                {
                    Log.BeatMissed(_logger, _streamId, exception.Message);
                    holds = _time.GetElapsedTime(lastBeat) < LiveSessionLifecycle.Lease;
                }

                if (!holds)
                {
                    await _held.CancelAsync();
                    return;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The session is over.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Live stream {StreamId} missed a beat: {Reason}")]
        public static partial void BeatMissed(ILogger logger, string streamId, string reason);
    }
}
