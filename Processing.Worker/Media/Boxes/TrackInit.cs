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
            "hvc1" => Hevc(Box.Find(entry.Body[VisualEntryHeader..], "hvcC").Body.Span),
            "vp09" => Vp9(Box.Find(entry.Body[VisualEntryHeader..], "vpcC").Body.Span),
            "av01" => Av1(Box.Find(entry.Body[VisualEntryHeader..], "av1C").Body.Span),
            "mp4a" => Aac(Box.Find(entry.Body[AudioEntryHeader..], "esds").Body.Span),
            _ => throw new InvalidDataException($"Sample entry {entry.Type} is not one that we write."),
        };
    }

    /// <summary>Profile, constraints and level follow avcC's version byte.</summary>
    private static string Avc(ReadOnlySpan<byte> avcC) => $"avc1.{Convert.ToHexStringLower(avcC.Slice(1, 3))}";

    /// <summary>ISO/IEC 14496-15, annex E: profile space and id, compatibility flags in reverse, tier and level, constraint bytes without the trailing zeros.</summary>
    private static string Hevc(ReadOnlySpan<byte> hvcC)
    {
        var space = (hvcC[1] >> 6) switch { 0 => "", var number => ((char)('A' + number - 1)).ToString() };
        var compatibility = BinaryPrimitives.ReadUInt32BigEndian(hvcC[2..]);
        var reversed = 0u;
        for (var bit = 0; bit < 32; bit++)
            reversed |= ((compatibility >> bit) & 1) << (31 - bit);
        var constraints = Convert.ToHexString(hvcC.Slice(6, 6).TrimEnd((byte)0)).Chunk(2).Select(digits => $".{new string(digits)}");
        return $"hvc1.{space}{hvcC[1] & 0x1F}.{reversed:X}.{((hvcC[1] & 0x20) == 0 ? 'L' : 'H')}{hvcC[12]}{string.Concat(constraints)}";
    }

    /// <summary>VP Codec ISO Media File Format Binding: profile, level and bit depth behind the full box's header.</summary>
    private static string Vp9(ReadOnlySpan<byte> vpcC) => $"vp09.{vpcC[4]:D2}.{vpcC[5]:D2}.{vpcC[6] >> 4:D2}";

    /// <summary>AV1 Codec ISO Media File Format Binding, section 5: profile, level and tier, bit depth.</summary>
    private static string Av1(ReadOnlySpan<byte> av1C) =>
        $"av01.{av1C[1] >> 5}.{av1C[1] & 0x1F:D2}{((av1C[2] & 0x80) == 0 ? 'M' : 'H')}.{((av1C[2] & 0x40) == 0 ? 8 : (av1C[2] & 0x20) == 0 ? 10 : 12):D2}";

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
