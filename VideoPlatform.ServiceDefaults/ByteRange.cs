using System.Runtime.InteropServices;

namespace VideoPlatform.ServiceDefaults;

public enum RangeKind
{
    /// <summary>The whole content, status 200.</summary>
    Whole,

    /// <summary>One part of it, status 206.</summary>
    Part,

    /// <summary>Nothing of it, status 416.</summary>
    Unsatisfiable,
}

/// <summary>
/// What a Range header asks for (RFC 9110, 14). The rules:
/// a unit other than bytes is ignored; a malformed byte range is refused with 416, as nginx does, instead of sending what
/// was not asked for; one satisfiable range is a part; several are answered with the whole, which the RFC allows and which
/// protects from many small overlapping ones; a last position beyond the end is cut.
/// </summary>
/// <param name="Kind">How to answer.</param>
/// <param name="Start">The first byte.</param>
/// <param name="Length">Bytes to send.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ByteRange(RangeKind Kind, long Start, long Length)
{
    private const string Unit = "bytes=";
    private const int MaxHeaderChars = 1024;

    /// <param name="header">The header's value; empty without one.</param>
    /// <param name="size">Size of the content in bytes.</param>
    public static ByteRange Parse(ReadOnlySpan<char> header, long size)
    {
        ByteRange whole = new(RangeKind.Whole, 0, size);
        ByteRange refused = new(RangeKind.Unsatisfiable, 0, 0);
        if (!header.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
        {
            return whole;
        }

        if (header.Length > MaxHeaderChars)
        {
            return refused;
        }

        var specs = header[Unit.Length..];
        var count = 0;
        var part = refused;
        foreach (var piece in specs.Split(','))
        {
            var spec = specs[piece].Trim(" \t");
            if (spec.IsEmpty)
            {
                continue; // a list may have empty elements
            }

            if (!TryParseOne(spec, size, out var parsed))
            {
                return refused;
            }

            count++;
            part = parsed.Kind == RangeKind.Part ? parsed : part;
        }

        return part.Kind == RangeKind.Part && count > 1 ? whole : part;
    }

    private static bool TryParseOne(ReadOnlySpan<char> spec, long size, out ByteRange range)
    {
        range = new(RangeKind.Unsatisfiable, 0, 0);
        var dash = spec.IndexOf('-');
        if (dash < 0 || !TryPosition(spec[..dash], out var first) || !TryPosition(spec[(dash + 1)..], out var last) || (first < 0 && last < 0))
        {
            return false;
        }

        if (first < 0)
        {
            var suffix = Math.Min(last, size);
            range = suffix > 0 ? new(RangeKind.Part, size - suffix, suffix) : range;
            return true;
        }

        if (last >= 0 && last < first)
        {
            return false;
        }

        if (first < size)
        {
            var end = last < 0 ? size - 1 : Math.Min(last, size - 1);
            range = new(RangeKind.Part, first, end - first + 1);
        }

        return true;
    }

    /// <summary>-1 for an empty text; more digits than a long has are its largest value.</summary>
    private static bool TryPosition(ReadOnlySpan<char> digits, out long value)
    {
        value = -1;
        if (digits.IsEmpty)
        {
            return true;
        }

        if (digits.ContainsAnyExceptInRange('0', '9'))
        {
            return false;
        }

        value = long.TryParse(digits, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var parsed) ? parsed : long.MaxValue;
        return true;
    }
}
