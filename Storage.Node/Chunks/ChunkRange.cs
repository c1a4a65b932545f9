using System.Runtime.InteropServices;
using Microsoft.Net.Http.Headers;

namespace Storage.Node.Chunks;

/// <summary>
/// What a Range header asks for (RFC 9110, 14): one satisfiable range is a part (206), one outside is none (416); a malformed
/// one, another unit, several at once, or an If-Range that names other bytes are answered with the whole (200), as the RFC allows.
/// </summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ChunkRange(int Start, int Length, bool IsPart, bool IsUnsatisfiable)
{
    public static ChunkRange Of(HttpRequest request, string etag, int size)
    {
        ChunkRange whole = new(0, size, false, false);
        if (!RangeHeaderValue.TryParse(request.Headers.Range.ToString(), out var header) || header.Unit != "bytes" || header.Ranges.Count != 1 ||
            (request.Headers.IfRange.ToString() is { Length: > 0 } only && only.Trim('"') != etag))
        {
            return whole;
        }

        var range = header.Ranges.First();
        var start = range.From ?? Math.Max(0, size - (range.To ?? 0));
        var end = range.From is null ? size - 1 : Math.Min(range.To ?? size - 1, size - 1);
        return start < size ? new((int)start, (int)(end - start + 1), true, false) : new(0, 0, false, true);
    }
}
