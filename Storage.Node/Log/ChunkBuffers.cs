using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Storage.Fabric;
using Storage.Node.Log.Frames;

namespace Storage.Node.Log;

/// <summary>Buffers for one chunk each, with room for its header in front. How many there are bounds the requests that hold one, and the memory.</summary>
public sealed class ChunkBuffers(int most)
{
    private readonly ConcurrentBag<byte[]> _idle = [];
    private int _rented;

    /// <returns>False: all are in use.</returns>
    public bool TryRent([NotNullWhen(true)] out ChunkBuffer? buffer)
    {
        buffer = null;
        if (Interlocked.Increment(ref _rented) > most)
        {
            Interlocked.Decrement(ref _rented);
            return false;
        }

        // Pinned: the kernel copies into it and out of it, and it lives as long as the process.
        buffer = new(this, _idle.TryTake(out var bytes) ? bytes : GC.AllocateUninitializedArray<byte>(Frame.HeaderBytes + ChunkLimits.MostBytes, pinned: true));
        return true;
    }

    internal void Return(byte[] bytes)
    {
        _idle.Add(bytes);
        Interlocked.Decrement(ref _rented);
    }
}

/// <summary>One rented buffer; disposing gives it back.</summary>
public sealed class ChunkBuffer(ChunkBuffers owner, byte[] bytes) : IDisposable
{
    private byte[]? _bytes = bytes;

    /// <summary>For the writer: header and payload in one.</summary>
    public Memory<byte> Frame(int length) => _bytes.AsMemory(0, Frames.Frame.HeaderBytes + length);

    public Memory<byte> Payload(int length) => _bytes.AsMemory(Frames.Frame.HeaderBytes, length);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _bytes, null) is { } mine)
        {
            owner.Return(mine);
        }
    }
}
