using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Smart.Client.Mp4;

/// <summary>One box: where it lies in the bytes that were read, header included.</summary>
/// <param name="Type">Its four characters, big-endian.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Box(uint Type, int Start, int HeaderLength, int Length)
{
    public int End => Start + Length;

    public ReadOnlySpan<byte> BodyIn(ReadOnlySpan<byte> bytes) => bytes.Slice(Start + HeaderLength, Length - HeaderLength);
}

/// <summary>
/// Walks the boxes of one level (ISO 14496-12, 4.2). A size that does not fit ends the walk as malformed; nothing is read outside the bytes
/// that were given, and every step passes at least a header, so that the walk ends.
/// </summary>
public ref struct BoxReader(ReadOnlySpan<byte> bytes)
{
    private const int ShortHeader = 8;
    private const int LongHeader = 16;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _next;

    public Box Current { get; private set; }

    /// <summary>Once <see cref="Read"/> has said false: whether it ended before the end.</summary>
    public readonly bool IsMalformed => _next < _bytes.Length;

    public bool Read()
    {
        var rest = _bytes[_next..];
        if (rest.Length < ShortHeader)
        {
            return false;
        }

        var header = ShortHeader;
        ulong length = BinaryPrimitives.ReadUInt32BigEndian(rest);
        if (length == 1) // the size is in the 64 bits behind the type
        {
            if (rest.Length < LongHeader)
            {
                return false;
            }

            header = LongHeader;
            length = BinaryPrimitives.ReadUInt64BigEndian(rest[ShortHeader..]);
        }
        else if (length == 0) // to the end
        {
            length = (ulong)rest.Length;
        }

        if (length < (ulong)header || length > (ulong)rest.Length)
        {
            return false;
        }

        Current = new(BinaryPrimitives.ReadUInt32BigEndian(rest[4..]), _next, header, (int)length);
        _next += (int)length;
        return true;
    }

    /// <summary>The body of the first box of that type; empty where there is none.</summary>
    public static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> bytes, uint type)
    {
        BoxReader boxes = new(bytes);
        while (boxes.Read())
        {
            if (boxes.Current.Type == type)
            {
                return boxes.Current.BodyIn(bytes);
            }
        }

        return [];
    }
}
