using Amazon.S3;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Uploads;

namespace Upload.Api.Uploads.Tus;

/// <summary>What a PATCH writes to.</summary>
internal sealed record TusStores(UploadLocks Locks, UploadEnd End, ObjectStore Objects, FaultPoints Faults, TimeSpan SessionLife, TimeProvider Time);

/// <summary>
/// One PATCH: at most one part on its way to the store and one being filled. Part n is always the bytes from (n-1) times the
/// part size on, whichever PATCHes brought them; what is behind the last whole part lies in the tail object. So the offset alone
/// says what there is, and it is committed, under the lock's token, after its bytes are in the store.
/// </summary>
/// <param name="session">As it was when the lock was taken.</param>
/// <param name="token">The lock's.</param>
/// <param name="stores">Where the bytes go.</param>
/// <param name="within">Cancelled with the lock.</param>
internal sealed class TusPatch(UploadSession session, long token, TusStores stores, CancellationTokenSource within) : IAsyncDisposable
{
    /// <summary>To make durable what has arrived, once no more comes.</summary>
    private static readonly TimeSpan _storeWithin = TimeSpan.FromMinutes(2);

    private Task _storing = Task.CompletedTask;
    private PartBody? _current;
    private string? _tailKey = session.TailKey;

    /// <summary>Durable and committed.</summary>
    public long Offset { get; private set; } = session.Received;

    /// <summary>Takes the body to its end.</summary>
    /// <exception cref="LockLostException">Nothing more can be committed.</exception>
    public async Task<Problem?> WriteAsync(ArrivingBody body)
    {
        var number = (int)(Offset / session.PartBytes) + 1;
        var known = await OpenAsync(number);
        while (true)
        {
            await _current!.FillAsync(body, null, CancellationToken.None);
            if (!_current.IsFull || number == session.TotalParts)
            {
                break;
            }

            await _storing;
            (var full, _current) = (_current, null);
            _storing = StoreAsync(number, full);
            _current = new(session.BytesOfPart(++number));
            known = 0;
        }

        var more = _current.IsFull && await body.ReadAsync(new byte[1], CancellationToken.None) > 0;
        within.CancelAfter(_storeWithin);
        await _storing;
        if (more)
        {
            return Problems.TooLarge;
        }

        if (_current.IsFull)
        {
            return await EndAsync(number, _current);
        }

        if (_current.Length > known)
        {
            await StoreTailAsync(number, _current);
        }

        return null;
    }

    public async ValueTask DisposeAsync()
    {
        await _storing.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // its buffer must not go under a running request
        _current?.Dispose();
    }

    private long StartOf(int number) => (number - 1L) * session.PartBytes;

    /// <summary>The part that the offset lies in, with what there is of it already.</summary>
    private async Task<long> OpenAsync(int number)
    {
        _current = new(session.BytesOfPart(number));
        var known = Offset - StartOf(number);
        if (known == 0)
        {
            return 0;
        }

        using var patience = CancellationTokenSource.CreateLinkedTokenSource(within.Token);
        patience.CancelAfter(_storeWithin);
        await using var tail = await stores.Objects.OpenReadAsync(_tailKey!, 0, patience.Token) ?? throw new IOException($"The tail {_tailKey} is missing from the store.");
        await _current.FillAsync(tail, null, patience.Token);
        return _current.Length == known ? known : throw new IOException($"The tail {_tailKey} has {_current.Length} bytes, not {known}.");
    }

    private async Task StoreAsync(int number, PartBody part)
    {
        using (part)
        {
            await PutAsync(number, part);
            await CommitAsync(StartOf(number) + part.Length, null);
        }
    }

    private async Task StoreTailAsync(int number, PartBody part)
    {
        var offset = StartOf(number) + part.Length;
        var key = ObjectKeys.Tail(session.VideoId, token, offset);
        await stores.Objects.PutAsync(key, part.Open(), within.Token);
        await stores.Faults.PassAsync(FaultPoint.TusTailStored, CancellationToken.None);
        try
        {
            await CommitAsync(offset, key);
        }
        catch (LockLostException)
        {
            await RemoveAsync(key);
            throw;
        }
    }

    /// <summary>The last byte: with it a video is UPLOADED before the client hears of it; a piece of one waits for the others.</summary>
    private async Task<Problem?> EndAsync(int number, PartBody last)
    {
        await PutAsync(number, last);
        if (session.Kind == UploadKind.Partial)
        {
            await CommitAsync(session.TotalBytes, null);
            return null;
        }

        if (!await stores.Locks.CommitLastAsync(session, token, stores.SessionLife, within.Token))
        {
            throw new LockLostException();
        }

        Offset = session.TotalBytes;
        var finished = await stores.End.FinishAsync(session.VideoId, session.S3UploadId, session.TotalBytes);
        await RemoveAsync(_tailKey);
        return finished ? null : Problems.Unavailable;
    }

    private async Task PutAsync(int number, PartBody part)
    {
        try
        {
            await stores.Objects.PutPartAsync(ObjectKeys.Source(session.VideoId), session.S3UploadId!, number, part.Open(), part.Length, within.Token);
        }
        catch (AmazonS3Exception exception) when (exception.ErrorCode == "NoSuchUpload")
        {
            throw new LockLostException(); // terminated or expired meanwhile
        }

        await stores.Faults.PassAsync(FaultPoint.SessionPartStored, CancellationToken.None);
    }

    private async Task CommitAsync(long offset, string? tailKey)
    {
        if (!await stores.Locks.CommitAsync(session.Id, token, offset, tailKey, within.Token))
        {
            throw new LockLostException();
        }

        Offset = offset;
        (var old, _tailKey) = (_tailKey, tailKey);
        await RemoveAsync(old); // its bytes are in the part, or in the new tail
    }

    /// <summary>What cannot be removed now is the sweeper's, or the reaper's.</summary>
    private async Task RemoveAsync(string? key)
    {
        if (key is null)
        {
            return;
        }

        using CancellationTokenSource patience = new(UploadEnd.Within, stores.Time);
        try
        {
            await stores.Objects.DeleteAsync([key], patience.Token);
        }
        catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
        {
            // As above.
        }
    }
}
