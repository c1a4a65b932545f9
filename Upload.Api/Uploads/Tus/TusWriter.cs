using Lifecycle.Contracts;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Uploads;
using Microsoft.Extensions.Options;

namespace Upload.Api.Uploads.Tus;

/// <summary>What a PATCH came to.</summary>
/// <param name="Offset">Durable from now on.</param>
/// <param name="Problem">What the client is told instead; what is durable stays so.</param>
internal readonly record struct TusWritten(long Offset, Problem? Problem);

/// <summary>Appends bytes to an upload, under its lock.</summary>
internal sealed class TusWriter(UploadLocks locks, UploadEnd end, ObjectStore objects, FaultPoints faults, IOptions<UploadOptions> options, TimeProvider time)
{
    public async Task<TusWritten> WriteAsync(UploadSession session, TusLock held, Stream source)
    {
        ArrivingBody body = new(source, held.Stop);
        using var within = CancellationTokenSource.CreateLinkedTokenSource(held.Lost);
        await using TusPatch patch = new(session, held.Token, new(locks, end, objects, faults, options.Value.SessionLife, time), within);
        try
        {
            var problem = await patch.WriteAsync(body);
            return new(patch.Offset, problem ?? (body.End == BodyEnd.Stopped && patch.Offset < session.TotalBytes ? Problems.UploadLocked : null));
        }
        catch (LockLostException)
        {
            return new(patch.Offset, Problems.UploadLocked);
        }
        catch (OperationCanceledException) when (within.IsCancellationRequested)
        {
            return new(patch.Offset, held.Lost.IsCancellationRequested ? Problems.UploadLocked : Problems.Unavailable);
        }
    }
}

/// <summary>Another request writes to the upload, or it is gone.</summary>
internal sealed class LockLostException : Exception;
