using System.Buffers.Binary;

namespace Processing.Worker.Media.Boxes;

/// <summary>An initialization segment (ftyp and moov) with one track, and what it says.</summary>
/// <param name="Content">The bytes.</param>
/// <param name="Timescale">From mdhd.</param>
/// <param name="TrackId">From tkhd.</param>
/// <param name="Codecs">RFC 6381 string.</param>
internal sealed record TrackInit(ReadOnlyMemory<byte> Content, int Timescale, uint TrackId, string Codecs)
{
    private const int VisualEntryHeader = 78;
    private const int AudioEntryHeader = 28;

    public static TrackInit Parse(ReadOnlyMemory<byte> content)
    {
        var trak = Box.Find(content, "moov/trak").Body;
        if (Box.TryFind(trak, "edts") is not null)
            throw new InvalidDataException("The initialization segment has an edit list: players disagree on it.");

        var mdhd = Box.Find(trak, "mdia/mdhd").Body.Span;
        var tkhd = Box.Find(trak, "tkhd").Body.Span;
        return new TrackInit(
            content,
            BinaryPrimitives.ReadInt32BigEndian(mdhd[(mdhd[0] == 1 ? 20 : 12)..]),
            BinaryPrimitives.ReadUInt32BigEndian(tkhd[(tkhd[0] == 1 ? 20 : 12)..]),
            CodecsOf(Box.Find(trak, "mdia/minf/stbl/stsd").Body[8..]));
    }

    private static string CodecsOf(ReadOnlyMemory<byte> entries)
    {
        var entry = Box.Enumerate(entries).First();
        return entry.Type switch
        {
            "avc1" => Avc(Box.Find(entry.Body[VisualEntryHeader..], "avcC").Body.Span),
            "mp4a" => Aac(Box.Find(entry.Body[AudioEntryHeader..], "esds").Body.Span),
            _ => throw new InvalidDataException($"Sample entry {entry.Type} is not one that we write."),
        };
    }

    /// <summary>Profile, constraints and level follow avcC's version byte.</summary>
    private static string Avc(ReadOnlySpan<byte> avcC) => $"avc1.{Convert.ToHexStringLower(avcC.Slice(1, 3))}";

    /// <summary>ES descriptor (3) holds the decoder config (4), which holds the AudioSpecificConfig (5): its first five bits are the object type.</summary>
    private static string Aac(ReadOnlySpan<byte> esds)
    {
        var position = 4;
        while (position < esds.Length)
        {
            var tag = esds[position++];
            while ((esds[position++] & 0x80) != 0)
            {
                // The length, seven bits a byte: the descriptors are read one inside the other, so it is not needed.
            }

            switch (tag)
            {
                case 3:
                    position += 3;
                    break;
                case 4:
                    position += 13;
                    break;
                case 5:
                    return $"mp4a.40.{esds[position] >> 3}";
                default:
                    throw new InvalidDataException($"Descriptor {tag} in esds.");
            }
        }
        throw new InvalidDataException("esds holds no AudioSpecificConfig.");
    }
}
