using System.Buffers.Binary;
using System.Text;

namespace Processing.Worker.Media.Boxes;

/// <summary>One ISO BMFF box (ISO/IEC 14496-12): 32-bit size, four-character type, optional 64-bit size, content.</summary>
/// <param name="Type">The four-character code.</param>
/// <param name="Body">Everything after the header.</param>
/// <param name="Offset">Of the header, in the memory that was enumerated.</param>
/// <param name="Length">Header and body.</param>
internal readonly record struct Box(string Type, ReadOnlyMemory<byte> Body, int Offset, int Length)
{
    public static IEnumerable<Box> Enumerate(ReadOnlyMemory<byte> content)
    {
        var offset = 0;
        while (offset < content.Length)
        {
            var header = BoxHeader.Parse(content.Span[offset..], content.Length - offset);
            if (header.Length > content.Length - offset)
                throw new InvalidDataException($"Box {header.Type} of {header.Length} bytes exceeds its parent.");
            var length = (int)header.Length;
            yield return new Box(header.Type, content.Slice(offset + header.HeaderLength, length - header.HeaderLength), offset, length);
            offset += length;
        }
    }

    /// <summary>The first box at a path such as <c>moov/trak/mdia</c>.</summary>
    /// <exception cref="InvalidDataException">There is none.</exception>
    public static Box Find(ReadOnlyMemory<byte> content, string path) =>
        TryFind(content, path) ?? throw new InvalidDataException($"Box {path} is missing.");

    public static Box? TryFind(ReadOnlyMemory<byte> content, string path)
    {
        Box? found = null;
        foreach (var type in path.Split('/'))
        {
            found = Enumerate(found?.Body ?? content).Cast<Box?>().FirstOrDefault(box => box!.Value.Type == type);
            if (found is null)
                return null;
        }
        return found;
    }
}

/// <summary>Type and extent of a box, without its content.</summary>
internal readonly record struct BoxHeader(string Type, long Length, int HeaderLength)
{
    public const int MaxLength = 16;

    /// <param name="bytes">At least 8 bytes, 16 where they exist.</param>
    /// <param name="available">Bytes from here to the end: the length of a box of size 0.</param>
    public static BoxHeader Parse(ReadOnlySpan<byte> bytes, long available)
    {
        if (bytes.Length < 8)
            throw new InvalidDataException("A box header is cut off.");
        var type = Encoding.Latin1.GetString(bytes.Slice(4, 4));
        long length = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        var headerLength = 8;
        if (length == 1)
        {
            if (bytes.Length < MaxLength)
                throw new InvalidDataException("A box header is cut off.");
            length = BinaryPrimitives.ReadInt64BigEndian(bytes[8..]);
            headerLength = MaxLength;
        }
        else if (length == 0)
        {
            length = available;
        }

        return length < headerLength
            ? throw new InvalidDataException($"Box {type} states an impossible size of {length} bytes.")
            : new BoxHeader(type, length, headerLength);
    }
}
