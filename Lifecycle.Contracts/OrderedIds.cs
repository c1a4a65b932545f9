namespace Lifecycle.Contracts;

/// <summary>
/// UUIDs of version 7 in the order in which this process gives them out: those of one transaction are of one millisecond, and a list by id must show what
/// came first as first. A counter stands in the twelve bits behind the time, where RFC 9562 (6.2, method 1) has a place for it.
/// </summary>
public static class OrderedIds
{
    private const int CounterBits = 12;

    private static readonly Lock _gate = new();

    /// <summary>Milliseconds, then the counter: one that is full goes on in the next millisecond.</summary>
    private static long _last;

    public static Guid Next()
    {
        long next;
        lock (_gate)
        {
            _last = next = Math.Max(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() << CounterBits, _last + 1);
        }

        Span<byte> bytes = stackalloc byte[16];
        Guid.CreateVersion7(DateTimeOffset.FromUnixTimeMilliseconds(next >> CounterBits)).TryWriteBytes(bytes, bigEndian: true, out _);
        bytes[6] = (byte)(0x70 | ((next >> 8) & 0x0f));
        bytes[7] = (byte)next;
        return new(bytes, bigEndian: true);
    }
}
