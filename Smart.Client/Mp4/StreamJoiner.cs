using System.Buffers.Binary;

namespace Smart.Client.Mp4;

/// <summary>
/// Makes one stream of chunks that are each a fragmented MP4 with an init of its own and absolute times. The first init stays; a later one that
/// says the same as the one before, and indexes of single chunks, become free space (14496-12, 8.1.2) where they are, so that no chunk changes its
/// size; another init is passed on. Fragments are numbered through.
/// What is no well-formed MP4 is passed on as it came: a player may know it.
/// </summary>
/// <param name="layout">Of a stream that is to be sought in: the first chunk gets its index. Null: none.</param>
public sealed class StreamJoiner(StreamLayout? layout = null)
{
    /// <summary>
    /// Numbers of one chunk, more than 2 MiB has room for (a fragment has two headers and a number, 24 bytes), and 10,000 times as many fit into 32 bits:
    /// they increase (14496-12, 8.8.5) without a look at the chunks before.
    /// </summary>
    private const uint NumbersOfChunk = 1 << 17;

    private byte[]? _configuration;

    /// <summary>The parts of the stream that the chunk is; it is changed in place.</summary>
    /// <param name="index">From 0. What a chunk becomes depends on it and on the one before, so that a seek gives the same bytes as playing up to there.</param>
    public IReadOnlyList<ReadOnlyMemory<byte>> Join(int index, Memory<byte> chunk)
    {
        var bytes = chunk.Span;
        if (!TrySplit(bytes, out var boxes))
        {
            _configuration = null;
            return index == 0 && layout is not null ? [chunk, SegmentIndex.Empty(layout.Timeline.Count)] : [chunk];
        }

        var keepsInit = AcceptInit(boxes, bytes);
        var number = NumbersOfChunk * (uint)index;
        foreach (var box in boxes)
        {
            switch (box.Type)
            {
                case BoxTypes.Sidx or BoxTypes.Mfra:
                case BoxTypes.Ftyp or BoxTypes.Moov when !keepsInit:
                    BinaryPrimitives.WriteUInt32BigEndian(bytes[(box.Start + 4)..], BoxTypes.Free);
                    break;
                case BoxTypes.Moof:
                    Number(bytes.Slice(box.Start, box.Length)[box.HeaderLength..], ++number);
                    break;
            }
        }

        return index == 0 && layout is not null ? WithIndex(boxes, chunk, layout) : [chunk];
    }

    private static IReadOnlyList<ReadOnlyMemory<byte>> WithIndex(List<Box> boxes, Memory<byte> chunk, StreamLayout layout)
    {
        var moov = boxes.Find(box => box.Type == BoxTypes.Moov);
        return moov.Length == 0
            ? [chunk, SegmentIndex.Empty(layout.Timeline.Count)]
            : [chunk[..moov.End], SegmentIndex.Of(layout, moov.BodyIn(chunk.Span), moov.End), chunk[moov.End..]];
    }

    /// <summary>Only what has a fragment is taken apart: a chunk may also be something else that happens to look like boxes.</summary>
    private static bool TrySplit(ReadOnlySpan<byte> chunk, out List<Box> boxes)
    {
        boxes = [];
        var hasFragment = false;
        BoxReader reader = new(chunk);
        while (reader.Read())
        {
            boxes.Add(reader.Current);
            hasFragment |= reader.Current.Type == BoxTypes.Moof;
        }

        return hasFragment && !reader.IsMalformed;
    }

    private bool AcceptInit(List<Box> boxes, ReadOnlySpan<byte> chunk)
    {
        foreach (var box in boxes)
        {
            if (box.Type == BoxTypes.Moov)
            {
                var configuration = CodecConfiguration.Fingerprint(box.BodyIn(chunk));
                var isNew = _configuration is null || !configuration.AsSpan().SequenceEqual(_configuration);
                _configuration = configuration;
                return isNew;
            }
        }

        _configuration = null;
        return true; // fragments alone: their ftyp, if any, is theirs
    }

    private static void Number(Span<byte> moof, uint number)
    {
        BoxReader boxes = new(moof);
        if (boxes.Read() && boxes.Current is { Type: BoxTypes.Mfhd, Length: >= 16, HeaderLength: 8 })
        {
            BinaryPrimitives.WriteUInt32BigEndian(moof[12..], number);
        }
    }
}
