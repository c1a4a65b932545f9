using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;

namespace Streaming.Api.Segments;

/// <summary>Why a fetch brought nothing.</summary>
public enum FetchFailure
{
    /// <summary>The store is away, too slow, or the content was not what the catalogue says. Another try may help.</summary>
    Unavailable,

    /// <summary>The store has no such object.</summary>
    Missing,
}

public sealed class FetchFailedException(FetchFailure failure, string message, Exception? cause = null) : Exception(message, cause)
{
    public FetchFailure Failure => failure;
}

/// <summary>
/// One object on its way from the store, shared by all who ask for it meanwhile: they read what is there and wait for
/// more. The last bytes are shown only after the whole was checked, so nobody gets a complete wrong answer.
/// The fetch goes on while anybody waits and ends with the last one.
/// </summary>
public sealed class SegmentFetch(ServedObject wanted, string? path) : IDisposable
{
    private const int ReadBackBytes = 256 * 1024;

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _abandoned = new();
    private TaskCompletionSource _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _available;
    private FetchFailedException? _failure;
    private int _readers = 1;
    private bool _ended;
    private bool _disposed;

    /// <summary>The name of a new file for an object that does not fit in memory; else null.</summary>
    public string? Path => path;

    public ServedObject Object => wanted;

    /// <summary>Where the bytes gather, for an object that fits in memory; set before the first of them is available.</summary>
    public byte[]? Memory { get; private set; }

    /// <summary>Where they gather otherwise.</summary>
    public SafeFileHandle? File { get; private set; }

    /// <summary>Ends when nobody waits any more.</summary>
    public CancellationToken Abandoned => _abandoned.Token;

    /// <summary>Makes room, once the fetch has its turn: those that wait for theirs hold nothing.</summary>
    public void Allocate()
    {
        if (path is null)
        {
            Memory = GC.AllocateUninitializedArray<byte>((int)wanted.Bytes);
        }
        else
        {
            File = DiskFolder.Create(path);
        }
    }

    /// <summary>False where the fetch was given up already: begin another.</summary>
    public bool TryJoin()
    {
        lock (_gate)
        {
            if (_readers == 0 || _failure is not null)
            {
                return false;
            }

            _readers++;
            return true;
        }
    }

    public void Leave()
    {
        bool abandon, dispose;
        lock (_gate)
        {
            _readers--;
            abandon = _readers == 0 && !_ended;
            dispose = _readers == 0 && _ended;
        }

        if (abandon)
        {
            try
            {
                _abandoned.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It ended in this moment.
            }
        }

        if (dispose)
        {
            Dispose();
        }
    }

    /// <summary>How many bytes from the start may be read: more than <paramref name="beyond"/>, or all.</summary>
    /// <exception cref="FetchFailedException">There will be no more.</exception>
    public async ValueTask<long> AvailableAsync(long beyond, CancellationToken ct)
    {
        while (true)
        {
            Task moved;
            lock (_gate)
            {
                if (_available > beyond)
                {
                    return _available;
                }

                if (_failure is not null)
                {
                    throw new FetchFailedException(_failure.Failure, _failure.Message, _failure);
                }

                moved = _moved.Task;
            }

            await moved.WaitAsync(ct);
        }
    }

    /// <summary>Writes a piece where it belongs; nobody sees it before <see cref="Complete"/>. Pieces may come side by side.</summary>
    public async ValueTask PutAsync(long start, ReadOnlyMemory<byte> piece, CancellationToken ct)
    {
        if (File is { } file)
        {
            await RandomAccess.WriteAsync(file, piece, start, ct);
        }
        else
        {
            piece.CopyTo(Memory.AsMemory((int)start));
        }
    }

    /// <summary>Whether the pieces are the catalogue's object.</summary>
    public async ValueTask<bool> IsWholeAsync(CancellationToken ct)
    {
        if (File is not { } file)
        {
            return IsExpected(SHA256.HashData(Memory!));
        }

        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[ReadBackBytes];
        for (long read = 0; read < wanted.Bytes;)
        {
            var count = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, (int)Math.Min(buffer.Length, wanted.Bytes - read)), read, ct);
            if (count == 0)
            {
                return false;
            }

            hash.AppendData(buffer, 0, count);
            read += count;
        }

        return IsExpected(hash.GetHashAndReset());
    }

    public bool IsExpected(ReadOnlySpan<byte> sha256) => Convert.ToHexStringLower(sha256).Equals(wanted.Sha256, StringComparison.OrdinalIgnoreCase);

    public void Advance(long available) => Move(available, null);

    /// <summary>After the object was put where others find it.</summary>
    public void Complete() => End(Object.Bytes, null);

    public void Fail(FetchFailedException failure) => End(0, failure);

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        _abandoned.Dispose();
        File?.Dispose();
    }

    private void End(long available, FetchFailedException? failure)
    {
        Move(available, failure);
        bool dispose;
        lock (_gate)
        {
            _ended = true;
            dispose = _readers == 0;
        }

        if (dispose)
        {
            Dispose();
        }
    }

    private void Move(long available, FetchFailedException? failure)
    {
        TaskCompletionSource moved;
        lock (_gate)
        {
            _available = Math.Max(_available, available);
            _failure ??= failure;
            moved = _moved;
            _moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        moved.SetResult();
    }
}
