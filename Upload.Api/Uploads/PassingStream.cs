using Lifecycle.Contracts;
using Lifecycle.Store.Faults;

namespace Upload.Api.Uploads;

/// <summary>Bytes that are read once, forward, and only asynchronously.</summary>
internal abstract class ForwardStream : Stream
{
    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public abstract override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("This stream is read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

/// <summary>A body; a deriving class sees the bytes pass.</summary>
internal abstract class PassingStream(Stream inner) : ForwardStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await inner.ReadAsync(buffer, cancellationToken);
        await OnReadAsync(buffer[..read], cancellationToken);
        return read;
    }

    protected abstract ValueTask OnReadAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct);
}

/// <summary>A part's bytes; where they cannot be read it is <see cref="BodyException"/>.</summary>
internal sealed class PartStream(Stream inner) : PassingStream(inner)
{
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => BodyException.GuardAsync(() => base.ReadAsync(buffer, cancellationToken));

    protected override ValueTask OnReadAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct) => ValueTask.CompletedTask;
}

/// <summary>
/// Refuses a body that is larger than it may be. The server's own limit lies above: there the connection is cut at once, and a client
/// or a gateway that is still sending may not see the answer.
/// </summary>
internal sealed class LimitedStream(Stream inner, long most) : PassingStream(inner)
{
    private long _read;

    protected override ValueTask OnReadAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct) =>
        (_read += bytes.Length) <= most ? ValueTask.CompletedTask : throw new BadHttpRequestException("The body is too large.", StatusCodes.Status413PayloadTooLarge);
}

/// <summary>Hashes what passes.</summary>
internal sealed class HashingStream(Stream inner, RunningDigest digest) : PassingStream(inner)
{
    protected override ValueTask OnReadAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        digest.Append(bytes.Span);
        return ValueTask.CompletedTask;
    }
}

/// <summary>Passes the fault point "mid-body" behind the first 256 KiB.</summary>
internal sealed class FaultingStream(Stream inner, FaultPoints faults) : PassingStream(inner)
{
    private const long Behind = 256 << 10;

    private long _read;

    protected override ValueTask OnReadAsync(ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        var before = _read;
        _read += bytes.Length;
        return before < Behind && _read >= Behind ? faults.PassAsync(FaultPoint.UploadMidBody, ct) : ValueTask.CompletedTask;
    }
}
