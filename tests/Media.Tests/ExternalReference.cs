using System.Buffers.Binary;
using System.Text;
using Processing.Worker.Media.Boxes;

namespace Media.Tests;

/// <summary>Makes a QuickTime file whose data reference is an alias of another file, and which has no media data itself.</summary>
internal static class ExternalReference
{
    public static byte[] From(byte[] movie, string name, string path)
    {
        var output = new MemoryStream();
        foreach (var box in Box.Enumerate(movie).Where(box => box.Type is "ftyp" or "moov"))
            output.Write(box.Type == "moov" ? Rewrite(movie.AsMemory(box.Offset, box.Length), Alias(name, path)) : movie.AsSpan(box.Offset, box.Length));
        return output.ToArray();
    }

    private static byte[] Rewrite(ReadOnlyMemory<byte> box, byte[] alias)
    {
        var type = Encoding.Latin1.GetString(box.Span.Slice(4, 4));
        if (type == "dref")
            return Wrap(type, [0, 0, 0, 0, 0, 0, 0, 1, .. alias]);
        if (type is not ("moov" or "trak" or "mdia" or "minf" or "dinf"))
            return box.ToArray();
        return Wrap(type, [.. Box.Enumerate(box[8..]).SelectMany(child => Rewrite(box.Slice(8 + child.Offset, child.Length), alias))]);
    }

    /// <summary>As ffmpeg's mov demuxer reads it: a fixed part of 150 bytes, then typed records; 2 is the absolute path.</summary>
    private static byte[] Alias(string name, string path)
    {
        var record = new byte[150];
        BinaryPrimitives.WriteUInt16BigEndian(record.AsSpan(4), 2);
        record[50] = (byte)name.Length;
        Encoding.ASCII.GetBytes(name).CopyTo(record, 51);
        var text = Encoding.ASCII.GetBytes(path);
        var padded = text.Length + (text.Length % 2);
        var entry = new byte[4 + padded];
        BinaryPrimitives.WriteUInt16BigEndian(entry, 2);
        BinaryPrimitives.WriteUInt16BigEndian(entry.AsSpan(2), (ushort)text.Length);
        text.CopyTo(entry, 4);
        return Wrap("alis", [0, 0, 0, 0, .. record, .. entry, 0xFF, 0xFF, 0, 0]);
    }

    private static byte[] Wrap(string type, byte[] body)
    {
        var box = new byte[8 + body.Length];
        BinaryPrimitives.WriteInt32BigEndian(box, box.Length);
        Encoding.Latin1.GetBytes(type).CopyTo(box, 4);
        body.CopyTo(box, 8);
        return box;
    }
}
