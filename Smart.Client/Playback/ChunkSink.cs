using Smart.Client.Mp4;

namespace Smart.Client.Playback;

/// <param name="Index">From 0.</param>
/// <param name="StartSeconds">When it is on the screen.</param>
public sealed record PlayedChunk(int Index, double StartSeconds, double DurationSeconds, Memory<byte> Bytes);

/// <summary>Takes chunks in order, one at a time; the next one waits for it. The bytes are its own.</summary>
public delegate ValueTask ChunkSink(PlayedChunk chunk, CancellationToken ct);

/// <summary>How far ahead of the viewer's position chunks are handed over.</summary>
public readonly record struct Pace(double AheadSeconds)
{
    /// <summary>In real time, a little early: a player behind the sink needs its next picture before the last one is over.</summary>
    public static Pace RealTime { get; } = new(2);

    /// <summary>As fast as nodes give and the sink takes.</summary>
    public static Pace Unbounded { get; } = new(double.PositiveInfinity);

    public bool IsUnbounded => double.IsPositiveInfinity(AheadSeconds);
}

public static class ChunkSinks
{
    /// <summary>Shows nothing: a playback for its measurements.</summary>
    public static ChunkSink Nowhere { get; } = static (_, _) => ValueTask.CompletedTask;

    /// <summary>Bytes of one write: a reader that stalls is noticed within a part of a chunk.</summary>
    private const int WriteBytes = 64 << 10;

    /// <summary>One continuous stream.</summary>
    public static ChunkSink To(Stream stream)
    {
        StreamJoiner joiner = new();
        return async (chunk, ct) =>
        {
            foreach (var part in joiner.Join(chunk.Index, chunk.Bytes))
            {
                await WriteAsync(stream, part, ct);
            }

            await stream.FlushAsync(ct);
        };
    }

    /// <summary>Some bytes of the stream with its index; the first chunk that comes may lie before them.</summary>
    public static ChunkSink To(Stream stream, StreamLayout layout, long start, long length)
    {
        StreamJoiner joiner = new(layout);
        var end = start + length;
        return async (chunk, ct) =>
        {
            var at = layout.StartOf(chunk.Index);
            foreach (var part in joiner.Join(chunk.Index, chunk.Bytes))
            {
                var (from, to) = ((int)Math.Clamp(start - at, 0, part.Length), (int)Math.Clamp(end - at, 0, part.Length));
                await WriteAsync(stream, part[from..to], ct);
                at += part.Length;
            }

            await stream.FlushAsync(ct);
        };
    }

    private static async ValueTask WriteAsync(Stream stream, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        for (var at = 0; at < bytes.Length; at += WriteBytes)
        {
            await stream.WriteAsync(bytes[at..Math.Min(bytes.Length, at + WriteBytes)], ct);
        }
    }
}
