using System.Buffers.Binary;
using System.Text;
using Processing.Worker.Media.Boxes;

namespace Processing.Worker.Live;

/// <summary>Takes the encoder's initialization segment apart: one for each track, as players load it.</summary>
internal static class LiveInit
{
    /// <param name="content">ftyp and moov, with all tracks.</param>
    public static IReadOnlyList<TrackInit> Split(ReadOnlyMemory<byte> content)
    {
        var ftyp = Whole(content, Box.Find(content, "ftyp"));
        var moov = Box.Find(content, "moov").Body;
        var mvhd = Whole(moov, Box.Find(moov, "mvhd"));
        var mvex = Box.Find(moov, "mvex").Body;
        List<TrackInit> inits = [];
        foreach (var trak in Box.Enumerate(moov).Where(box => box.Type == "trak"))
        {
            var id = TrackIdOf(trak);
            var trex = Box.Enumerate(mvex).First(box => box.Type == "trex" && BinaryPrimitives.ReadUInt32BigEndian(box.Body.Span[4..]) == id);
            byte[] extends = Container("mvex", [Whole(mvex, trex)]);
            inits.Add(TrackInit.Parse(Concat([ftyp, Container("moov", [mvhd, Whole(moov, trak), extends])])));
        }
        return inits;
    }

    private static uint TrackIdOf(Box trak)
    {
        var tkhd = Box.Find(trak.Body, "tkhd").Body.Span;
        return BinaryPrimitives.ReadUInt32BigEndian(tkhd[(tkhd[0] == 1 ? 20 : 12)..]);
    }

    private static ReadOnlyMemory<byte> Whole(ReadOnlyMemory<byte> parent, Box box) => parent.Slice(box.Offset, box.Length);

    private static byte[] Container(string type, IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        var header = new byte[8];
        BinaryPrimitives.WriteInt32BigEndian(header, 8 + parts.Sum(part => part.Length));
        Encoding.ASCII.GetBytes(type, header.AsSpan(4));
        return Concat([header, .. parts]);
    }

    private static byte[] Concat(IReadOnlyList<ReadOnlyMemory<byte>> parts)
    {
        var all = new byte[parts.Sum(part => part.Length)];
        var position = 0;
        foreach (var part in parts)
        {
            part.Span.CopyTo(all.AsSpan(position));
            position += part.Length;
        }
        return all;
    }
}
