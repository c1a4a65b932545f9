using Lifecycle.Store.Uploads;

namespace Upload.Api.Uploads.Tus;

/// <summary>The right to write to an upload, while it lasts.</summary>
internal sealed class TusLock : IAsyncDisposable
{
    private static readonly TimeSpan _releaseWithin = TimeSpan.FromSeconds(5);

    private readonly Guid _id;
    private readonly UploadLocks _locks;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _stop;
    private readonly Heartbeat _beat;

    public TusLock(Guid id, long token, UploadLocks locks, TimeProvider time, CancellationToken stopping)
    {
        (_id, Token, _locks, _time) = (id, token, locks, time);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        _beat = new(UploadLocks.Beat, BeatAsync, time);
    }

    public long Token { get; }

    /// <summary>No more bytes are to be taken, but those that are here can be made durable: another request waits, or this server stops.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>The lock is another's: nothing that is done under it counts.</summary>
    public CancellationToken Lost => _beat.Lost;

    public async ValueTask DisposeAsync()
    {
        await _beat.DisposeAsync();
        _stop.Dispose();
        using CancellationTokenSource within = new(_releaseWithin, _time);
        await _locks.ReleaseAsync(_id, Token, within.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // else its lease runs out
    }

    private async Task<bool> BeatAsync(CancellationToken ct)
    {
        var found = await _locks.RenewAsync(_id, Token, ct);
        if (found != LockBeat.Held)
        {
            await _stop.CancelAsync();
        }

        return found != LockBeat.Lost;
    }
}

/// <summary>Takes locks from whoever holds them: a request that is still there makes durable what it has and goes, a dead one's lease runs out.</summary>
internal sealed class TusLocks(UploadLocks locks, UploadSessions sessions, IHostApplicationLifetime lifetime, TimeProvider time)
{
    /// <summary>Longer than a lease: only a holder that lives and does not go keeps a lock from the next one.</summary>
    private static readonly TimeSpan _waitFor = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(100);

    /// <returns>Null where the session is gone, or the holder does not go.</returns>
    public async Task<TusLock?> TakeAsync(Guid id, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            if (await locks.TakeAsync(id, ct) is { } token)
            {
                return new(id, token, locks, time, lifetime.ApplicationStopping);
            }

            if (time.GetElapsedTime(started) > _waitFor || await sessions.FindAsync(id, ct) is null)
            {
                return null;
            }

            await Task.Delay(_look, time, ct);
        }
    }

    /// <summary>The session as it is once nobody writes to it any more: what is read then stays so until the next PATCH.</summary>
    /// <returns>False with the session where its holder does not go; null where it is gone.</returns>
    public async Task<(UploadSession Session, bool Settled)?> SettleAsync(UploadSession session, CancellationToken ct)
    {
        if (IsSettled(session))
        {
            return (session, true);
        }

        await using var held = await TakeAsync(session.Id, ct);
        // Without the lock it may be finished all the same: by the very request that would not go.
        return await sessions.FindAsync(session.Id, ct) is { } now ? (now, held is not null || IsSettled(now)) : null;
    }

    private static bool IsSettled(UploadSession session) => !session.IsOpen || session.Received == session.TotalBytes;
}
