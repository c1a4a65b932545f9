using System.Buffers;

namespace Upload.Api.Uploads;

/// <summary>The bytes of one part while they arrive: in a pooled buffer up to 8 MiB, else in a file that has no name, so that no crash leaves it behind.</summary>
internal sealed class PartBody : IDisposable
{
    /// <summary>Beyond it the bytes lie on disk.</summary>
    private const int MemoryBytes = 8 << 20;

    private const int CopyBytes = 128 << 10;

    private readonly byte[] _buffer;
    private readonly FileStream? _file;

    /// <param name="capacity">How many bytes it takes at most.</param>
    public PartBody(long capacity)
    {
        Capacity = capacity;
        _buffer = ArrayPool<byte>.Shared.Rent((int)Math.Min(capacity, capacity > MemoryBytes ? CopyBytes : MemoryBytes));
        if (capacity > MemoryBytes)
        {
            var path = Path.Combine(Path.GetTempPath(), $"videoplatform-part-{Guid.NewGuid():N}");
            _file = new(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, BufferSize = 0, Options = FileOptions.Asynchronous });
            File.Delete(path);
        }
    }

    public long Capacity { get; }

    public long Length { get; private set; }

    public bool IsFull => Length == Capacity;

    /// <summary>Reads until the part is full or the source ends.</summary>
    public async Task FillAsync(Stream source, RunningChecks? checks, CancellationToken ct)
    {
        while (!IsFull)
        {
            var free = _file is null ? _buffer.AsMemory((int)Length) : _buffer.AsMemory();
            var read = await source.ReadAsync(free[..(int)Math.Min(free.Length, Capacity - Length)], ct);
            if (read == 0)
            {
                return;
            }

            checks?.Append(free.Span[..read]);
            if (_file is not null)
            {
                await _file.WriteAsync(free[..read], CancellationToken.None); // what was read must not be lost
            }

            Length += read;
        }
    }

    /// <summary>What has arrived, from its beginning; one reader at a time.</summary>
    public Stream Open()
    {
        if (_file is null)
        {
            return new MemoryStream(_buffer, 0, (int)Length, writable: false);
        }

        _file.Position = 0;
        return _file;
    }

    public void Dispose()
    {
        _file?.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }
}
