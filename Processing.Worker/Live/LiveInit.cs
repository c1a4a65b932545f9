using System.Buffers.Binary;
using System.Text;
using Processing.Worker.Media.Boxes;

namespace Processing.Worker.Live;

/// <summary>Takes the encoder's initialization segment apart: one for each track, as players load it.</summary>
internal static class LiveInit
{
    /// <summary>
    /// Of the only track of each, whatever the encoder called it: players that look at no discontinuity keep the first initialization segment, and
    /// ladders of generations may differ in length.
    /// </summary>
    public const uint TrackId = 1;

    /// <param name="content">ftyp and moov, with all tracks.</param>
    /// <returns>In the encoder's order, with the encoder's ids: in their content they have <see cref="TrackId"/>.</returns>
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
            var (track, extends) = (Whole(moov, trak).ToArray(), Whole(mvex, trex).ToArray());
            var tkhd = Box.Find(trak.Body, "tkhd");
            BinaryPrimitives.WriteUInt32BigEndian(track.AsSpan(HeaderOf(trak) + tkhd.Offset + HeaderOf(tkhd) + IdOffset(tkhd)), TrackId);
            BinaryPrimitives.WriteUInt32BigEndian(extends.AsSpan(HeaderOf(trex) + 4), TrackId);
            inits.Add(TrackInit.Parse(Concat([ftyp, Container("moov", [mvhd, track, Container("mvex", [extends])])])) with { TrackId = id });
        }
        return inits;
    }

    private static uint TrackIdOf(Box trak)
    {
        var tkhd = Box.Find(trak.Body, "tkhd");
        return BinaryPrimitives.ReadUInt32BigEndian(tkhd.Body.Span[IdOffset(tkhd)..]);
    }

    private static int IdOffset(Box tkhd) => tkhd.Body.Span[0] == 1 ? 20 : 12;

    private static int HeaderOf(Box box) => box.Length - box.Body.Length;

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
