using Lifecycle.Store.Objects;
using Upload.Api.Uploads;

namespace Upload.Api.Jobs;

/// <summary>
/// An object as a stream that can be sought: the framework's range handling moves the position, and the store is asked from there when the
/// first byte is read. Nothing is asked for a HEAD.
/// </summary>
internal sealed class ObjectReadStream(ObjectStore objects, string key, long length) : ForwardStream
{
    private Stream? _open;
    private long _position;

    public override bool CanSeek => true;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => Seek(value, SeekOrigin.Begin);
    }

    public override long Seek(long offset, SeekOrigin origin)
    {
        var position = offset + origin switch { SeekOrigin.Begin => 0, SeekOrigin.Current => _position, _ => length };
        if (position != _position)
        {
            _open?.Dispose();
            _open = null;
            _position = position;
        }

        return position;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_position >= length)
        {
            return 0;
        }

        _open ??= await objects.OpenReadAsync(key, _position, cancellationToken) ?? throw new FileNotFoundException("The object is gone from the store.");
        var read = await _open.ReadAsync(buffer, cancellationToken);
        _position += read;
        return read > 0 ? read : throw new EndOfStreamException("The store sent less than the object has."); // not a short answer that looks whole
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _open?.Dispose();
        }

        base.Dispose(disposing);
    }
}
