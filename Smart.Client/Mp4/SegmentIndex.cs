using System.Buffers.Binary;

namespace Smart.Client.Mp4;

/// <summary>
/// The <c>sidx</c> of the joined stream (ISO 14496-12, 8.16.3): each chunk's bytes and seconds. With it a player seeks by one request; without it
/// ffmpeg and the browsers that use it would ask for the head of every fragment before they show the first.
/// </summary>
internal static class SegmentIndex
{
    private const int HeadBytes = 32;
    private const int EntryBytes = 12;
    private const uint TimeScale = 1000;

    /// <summary>A subsegment that begins with a key frame (SAP of type 1).</summary>
    private const uint BeginsWithKeyFrame = 0x90000000;

    private const uint Handler = 0x68646C72; // hdlr
    private const uint Video = 0x76696465; // vide

    public static int BytesOf(int chunks) => HeadBytes + (EntryBytes * chunks);

    /// <summary>To stand right behind the first chunk's <c>moov</c>.</summary>
    /// <param name="moov">The box's body.</param>
    /// <param name="at">Where in the stream it will begin.</param>
    public static byte[] Of(StreamLayout layout, ReadOnlySpan<byte> moov, long at)
    {
        var timeline = layout.Timeline;
        var index = new byte[BytesOf(timeline.Count)];
        WriteHead(index, BoxTypes.Sidx);
        Write(index, 12, TrackOf(moov));
        Write(index, 16, TimeScale);
        BinaryPrimitives.WriteUInt16BigEndian(index.AsSpan(30), (ushort)timeline.Count); // earliest time, offset to the first subsegment: 0
        var start = at + index.Length;
        for (var i = 0; i < timeline.Count; i++)
        {
            var end = layout.StartOf(i + 1);
            Write(index, HeadBytes + (EntryBytes * i), (uint)(end - start));
            Write(index, HeadBytes + (EntryBytes * i) + 4, (uint)Math.Round(timeline.DurationOf(i) * TimeScale));
            Write(index, HeadBytes + (EntryBytes * i) + 8, BeginsWithKeyFrame);
            start = end;
        }

        return index;
    }

    /// <summary>Where there is nothing to index: the same room, empty.</summary>
    public static byte[] Empty(int chunks)
    {
        var room = new byte[BytesOf(chunks)];
        WriteHead(room, BoxTypes.Free);
        return room;
    }

    /// <summary>The id of the first track of pictures, or of the first.</summary>
    private static uint TrackOf(ReadOnlySpan<byte> moov)
    {
        var first = 0u;
        BoxReader boxes = new(moov);
        while (boxes.Read())
        {
            if (boxes.Current.Type != BoxTypes.Trak)
            {
                continue;
            }

            var trak = boxes.Current.BodyIn(moov);
            var id = CodecConfiguration.BehindDates(BoxReader.Find(trak, BoxTypes.Tkhd));
            var handler = BoxReader.Find(BoxReader.Find(trak, BoxTypes.Mdia), Handler);
            var track = id.Length == 4 ? BinaryPrimitives.ReadUInt32BigEndian(id) : 0;
            if (handler.Length >= 12 && BinaryPrimitives.ReadUInt32BigEndian(handler[8..]) == Video)
            {
                return track;
            }

            first = first == 0 ? track : first;
        }

        return first;
    }

    private static void WriteHead(byte[] box, uint type)
    {
        Write(box, 0, (uint)box.Length);
        Write(box, 4, type);
    }

    private static void Write(byte[] box, int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(box.AsSpan(at), value);
}
