using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Streaming.Api.Segments;

/// <summary>Writes a part of a segment to a client from wherever it is. A client that is gone ends it with its request's token.</summary>
public static class SegmentWriter
{
    /// <summary>Bytes that one write hands to the connection: what a slow client can make the server hold for it.</summary>
    private const int Step = 256 * 1024;

    public static Task WriteAsync(HttpContext context, OpenSegment opened, long start, long length) =>
        opened.Memory is { } memory ? WriteMemoryAsync(context, memory, start, length)
        : opened.File is { } file ? WriteFileAsync(context, file, start, length)
        : WriteFetchAsync(context, opened.Fetch!, start, length);

    private static async Task WriteMemoryAsync(HttpContext context, byte[] bytes, long start, long length)
    {
        var rest = bytes.AsMemory((int)start, (int)length);
        while (!rest.IsEmpty)
        {
            var step = rest[..Math.Min(Step, rest.Length)];
            await context.Response.BodyWriter.WriteAsync(step, context.RequestAborted);
            rest = rest[step.Length..];
        }
    }

    private static async Task WriteFileAsync(HttpContext context, SafeFileHandle file, long start, long length)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Step);
        try
        {
            var end = start + length;
            while (start < end)
            {
                var count = await RandomAccess.ReadAsync(file, buffer.AsMemory(0, (int)Math.Min(Step, end - start)), start, context.RequestAborted);
                if (count == 0)
                {
                    context.Abort(); // somebody cut the file: no wrong end
                    return;
                }

                await context.Response.BodyWriter.WriteAsync(buffer.AsMemory(0, count), context.RequestAborted);
                start += count;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Follows a fetch: writes what is there and waits for more.</summary>
    private static async Task WriteFetchAsync(HttpContext context, SegmentFetch fetch, long start, long length)
    {
        var end = start + length;
        try
        {
            while (start < end)
            {
                var available = Math.Min(end, await fetch.AvailableAsync(start, context.RequestAborted));
                await (fetch.Memory is { } memory
                    ? WriteMemoryAsync(context, memory, start, available - start)
                    : WriteFileAsync(context, fetch.File!, start, available - start));
                start = available;
            }
        }
        catch (FetchFailedException)
        {
            context.Abort(); // the status is sent: a broken connection is the only honest answer, the client resumes by Range
        }
    }
}
