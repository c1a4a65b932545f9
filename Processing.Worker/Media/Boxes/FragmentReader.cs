using System.Buffers.Binary;

namespace Processing.Worker.Media.Boxes;

/// <summary>Reads a fragmented MP4 file with one track, fragment by fragment: memory is bounded by the largest fragment.</summary>
internal sealed class FragmentReader(Stream stream)
{
    /// <summary>A fragment holds one segment at most: 512 MiB is far above any rung's peak.</summary>
    private const long MaxBoxLength = 512L << 20;

    private const uint NonSync = 0x0001_0000;

    /// <summary>Reads ftyp and moov.</summary>
    public async Task<TrackInit> ReadInitAsync(CancellationToken ct)
    {
        using var init = new MemoryStream();
        while (await ReadBoxAsync(ct) is { } box)
        {
            init.Write(box.Content.Span);
            if (box.Type == "moov")
                return TrackInit.Parse(init.ToArray());
        }
        throw new InvalidDataException("The file has no moov box.");
    }

    /// <summary>The samples of the next moof and mdat in decode order; null at the end.</summary>
    public async Task<IReadOnlyList<Sample>?> ReadFragmentAsync(CancellationToken ct)
    {
        while (await ReadBoxAsync(ct) is { } box)
        {
            if (box.Type != "moof")
                continue;
            var mdat = await ReadBoxAsync(ct);
            return mdat is { Type: "mdat" } ? Samples(box.Content, mdat.Value.Content) : throw new InvalidDataException("A moof without its mdat.");
        }
        return null;
    }

    /// <summary>The track of a moof with one traf.</summary>
    public static uint TrackOf(ReadOnlyMemory<byte> moof) => BinaryPrimitives.ReadUInt32BigEndian(Box.Find(moof, "moof/traf/tfhd").Body.Span[4..]);

    /// <summary>The samples of one moof and its mdat, both with their headers.</summary>
    public static List<Sample> Samples(ReadOnlyMemory<byte> moof, ReadOnlyMemory<byte> mdat)
    {
        var traf = Box.Find(moof, "moof/traf").Body;
        var defaults = Defaults(Box.Find(traf, "tfhd").Body.Span);
        var tfdt = Box.Find(traf, "tfdt").Body.Span;
        var decode = tfdt[0] == 1 ? BinaryPrimitives.ReadInt64BigEndian(tfdt[4..]) : BinaryPrimitives.ReadUInt32BigEndian(tfdt[4..]);

        var samples = new List<Sample>();
        foreach (var trun in Box.Enumerate(traf).Where(box => box.Type == "trun"))
            decode = AddRun(trun.Body.Span, defaults, decode, mdat, moof.Length, samples);
        return samples;
    }

    private static long AddRun(
        ReadOnlySpan<byte> trun, (uint Duration, uint Size, uint Flags) defaults, long decode, ReadOnlyMemory<byte> mdat, int moofLength, List<Sample> samples)
    {
        var flags = BinaryPrimitives.ReadUInt32BigEndian(trun) & 0xFF_FFFF;
        var count = BinaryPrimitives.ReadUInt32BigEndian(trun[4..]);
        var position = 8;
        uint Next(ReadOnlySpan<byte> run)
        {
            var value = BinaryPrimitives.ReadUInt32BigEndian(run[position..]);
            position += 4;
            return value;
        }

        var offset = (flags & 0x1) != 0 ? (int)Next(trun) - moofLength : throw new InvalidDataException("A trun without a data offset.");
        var firstFlags = (flags & 0x4) != 0 ? Next(trun) : (uint?)null;
        for (var i = 0; i < count; i++)
        {
            var duration = (flags & 0x100) != 0 ? Next(trun) : defaults.Duration;
            var size = (int)((flags & 0x200) != 0 ? Next(trun) : defaults.Size);
            var sampleFlags = (flags & 0x400) != 0 ? Next(trun) : i == 0 && firstFlags is { } first ? first : defaults.Flags;
            var composition = (flags & 0x800) != 0 ? (int)Next(trun) : 0;
            samples.Add(new Sample(decode + composition, duration, (sampleFlags & NonSync) == 0, mdat.Slice(offset, size)));
            decode += duration;
            offset += size;
        }
        return decode;
    }

    private static (uint Duration, uint Size, uint Flags) Defaults(ReadOnlySpan<byte> tfhd)
    {
        var flags = BinaryPrimitives.ReadUInt32BigEndian(tfhd) & 0xFF_FFFF;
        var position = 8 + ((flags & 0x1) != 0 ? 8 : 0) + ((flags & 0x2) != 0 ? 4 : 0);
        uint Optional(uint bit, ReadOnlySpan<byte> box)
        {
            if ((flags & bit) == 0)
                return 0;
            position += 4;
            return BinaryPrimitives.ReadUInt32BigEndian(box[(position - 4)..]);
        }
        return (Optional(0x8, tfhd), Optional(0x10, tfhd), Optional(0x20, tfhd));
    }

    /// <summary>The next box whole, header included.</summary>
    private async Task<(string Type, ReadOnlyMemory<byte> Content)?> ReadBoxAsync(CancellationToken ct)
    {
        var start = new byte[8];
        var read = await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, ct);
        if (read == 0)
            return null;
        var header = BoxHeader.Parse(start.AsSpan(0, read), stream.Length - stream.Position + read);
        if (header.Length > MaxBoxLength)
            throw new InvalidDataException($"Box {header.Type} of {header.Length} bytes is larger than any fragment.");
        var content = new byte[header.Length];
        start.CopyTo(content, 0);
        await stream.ReadExactlyAsync(content.AsMemory(start.Length), ct);
        return (header.Type, content);
    }
}
