using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace Processing.Worker.Media.Boxes;

/// <summary>Writes one CMAF segment: a moof and its mdat, one track, one run.</summary>
internal static class SegmentWriter
{
    private const uint SyncFlags = 0x0200_0000;
    private const uint NonSyncFlags = 0x0101_0000;
    private const uint DefaultBaseIsMoof = 0x02_0000;

    /// <param name="trackId">As in the initialization segment.</param>
    /// <param name="sequence">mfhd sequence number, from 1.</param>
    /// <param name="samples">In decode order; only the first of a video segment is a sync sample.</param>
    /// <param name="decode">Decode time of each sample.</param>
    /// <param name="end">Where the last sample ends: the next segment's decode time.</param>
    /// <returns>The segment, and the number of bytes up to the end of its first sample.</returns>
    public static (ReadOnlyMemory<byte> Content, long FirstSampleEnd) Write(
        uint trackId, uint sequence, IReadOnlyList<Sample> samples, ReadOnlySpan<long> decode, long end)
    {
        var durations = new uint[samples.Count];
        for (var i = 0; i < durations.Length; i++)
            durations[i] = checked((uint)((i + 1 < durations.Length ? decode[i + 1] : end) - decode[i]));

        var output = new ArrayBufferWriter<byte>(samples.Sum(sample => sample.Data.Length) + (samples.Count * 16) + 256);
        var allSync = samples.All(sample => sample.IsSync);
        var moof = Begin(output, "moof");
        var mfhd = BeginFull(output, "mfhd", 0, 0);
        Write32(output, sequence);
        End(output, mfhd);
        var traf = Begin(output, "traf");
        var tfhd = BeginFull(output, "tfhd", 0, DefaultBaseIsMoof | 0x20);
        Write32(output, trackId);
        Write32(output, allSync ? SyncFlags : NonSyncFlags);
        End(output, tfhd);
        var tfdt = BeginFull(output, "tfdt", 1, 0);
        Write64(output, decode[0]);
        End(output, tfdt);
        var dataOffset = WriteRun(output, samples, decode, durations, allSync);
        End(output, traf);
        End(output, moof);

        BinaryPrimitives.WriteInt32BigEndian(Written(output)[dataOffset..], output.WrittenCount + 8);
        var mdat = Begin(output, "mdat");
        foreach (var sample in samples)
            output.Write(sample.Data.Span);
        End(output, mdat);
        return (output.WrittenMemory, mdat + 8 + samples[0].Data.Length);
    }

    /// <returns>Where the data offset stands, to be filled in.</returns>
    private static int WriteRun(ArrayBufferWriter<byte> output, IReadOnlyList<Sample> samples, ReadOnlySpan<long> decode, uint[] durations, bool allSync)
    {
        var composed = false;
        for (var i = 0; i < durations.Length; i++)
            composed |= samples[i].Presentation != decode[i];

        var run = BeginFull(output, "trun", 0, 0x1u | 0x100 | 0x200 | (allSync ? 0u : 0x4) | (composed ? 0x800u : 0));
        Write32(output, (uint)samples.Count);
        var dataOffset = output.WrittenCount;
        Write32(output, 0);
        if (!allSync)
            Write32(output, samples[0].IsSync ? SyncFlags : NonSyncFlags);
        for (var i = 0; i < durations.Length; i++)
        {
            Write32(output, durations[i]);
            Write32(output, (uint)samples[i].Data.Length);
            if (composed)
                Write32(output, checked((uint)(samples[i].Presentation - decode[i])));
        }
        End(output, run);
        return dataOffset;
    }

    private static int Begin(ArrayBufferWriter<byte> output, string type)
    {
        var position = output.WrittenCount;
        Write32(output, 0);
        output.Write(Encoding.ASCII.GetBytes(type));
        return position;
    }

    private static int BeginFull(ArrayBufferWriter<byte> output, string type, byte version, uint flags)
    {
        var position = Begin(output, type);
        Write32(output, ((uint)version << 24) | flags);
        return position;
    }

    private static void End(ArrayBufferWriter<byte> output, int position) =>
        BinaryPrimitives.WriteInt32BigEndian(Written(output)[position..], output.WrittenCount - position);

    private static void Write32(ArrayBufferWriter<byte> output, uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(output.GetSpan(4), value);
        output.Advance(4);
    }

    private static void Write64(ArrayBufferWriter<byte> output, long value)
    {
        BinaryPrimitives.WriteInt64BigEndian(output.GetSpan(8), value);
        output.Advance(8);
    }

    /// <summary>The written bytes, writable: sizes are known only after the content.</summary>
    private static Span<byte> Written(ArrayBufferWriter<byte> output) =>
        System.Runtime.InteropServices.MemoryMarshal.AsMemory(output.WrittenMemory).Span;
}
