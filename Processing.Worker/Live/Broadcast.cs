using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;
using Processing.Worker.Tasks;

namespace Processing.Worker.Live;

/// <summary>
/// What a session's beats decide: whether the broadcast is over, because its input stays away or because it has lasted as long as one may. It is not while
/// something that came waits to be listed.
/// </summary>
internal sealed class Broadcast(ClaimedSession session, LiveSessionQueue queue, StreamOptions streams, WorkerOptions options, TimeProvider time) : IDisposable
{
    private readonly CancellationTokenSource _over = new();
    private readonly CancellationTokenSource _ending = new();
    private long _seen;
    private volatile bool _isFlowing;

    /// <summary>The stream is COMPLETE, and all that came of it is listed and kept.</summary>
    public CancellationToken Over => _over.Token;

    /// <summary>The input is to end: somebody has said that it is over, or no broadcast lasts longer.</summary>
    public CancellationToken Ending => _ending.Token;

    /// <summary>Media came.</summary>
    public void Seen()
    {
        _isFlowing = true;
        Volatile.Write(ref _seen, time.GetTimestamp());
    }

    /// <summary>All that came is listed, or given up.</summary>
    public void Flushed() => _isFlowing = false;

    /// <summary>False: the session is not this worker's any more.</summary>
    public async Task<bool> BeatAsync(CancellationToken ct)
    {
        var seen = Volatile.Read(ref _seen);
        if (await queue.BeatAsync(session, seen == 0 ? null : time.GetElapsedTime(seen), ct) is not { } beat)
        {
            return false;
        }

        if (beat.Status == StreamStatus.Complete)
        {
            await _ending.CancelAsync();
            if (_isFlowing)
            {
                return true;
            }

            await queue.CloseAsync(session, ct);
            await _over.CancelAsync();
            return false;
        }

        if (beat.Age?.TotalHours > options.LiveHoursMost)
        {
            await _ending.CancelAsync();
        }

        if (beat.Unfed > ProvisionWorkflow.ConfirmationWithin
            && await queue.FailUnfedAsync(session, $"It was READY for {ProvisionWorkflow.ConfirmationWithin.TotalMinutes:0} minutes, and no input came.", ct))
        {
            await _over.CancelAsync();
            return false;
        }

        var isEnded = _ending.IsCancellationRequested || beat.Away?.TotalSeconds > streams.ResumeWithinSeconds;
        if (isEnded && !_isFlowing && beat.Status is StreamStatus.Ready or StreamStatus.Live)
        {
            var awayFor = _ending.IsCancellationRequested ? TimeSpan.Zero : TimeSpan.FromSeconds(streams.ResumeWithinSeconds);
            var reason = _ending.IsCancellationRequested ? $"A broadcast lasts {options.LiveHoursMost:0.###} h at most." : null;
            if (await queue.CompleteAsync(session, awayFor, reason, ct))
            {
                await _over.CancelAsync();
                return false;
            }
        }

        return true;
    }

    public void Dispose()
    {
        _over.Dispose();
        _ending.Dispose();
    }
}
