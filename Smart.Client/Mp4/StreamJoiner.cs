using System.Buffers.Binary;

namespace Smart.Client.Mp4;

/// <summary>
/// Makes one stream of chunks that are each a fragmented MP4 with an init of its own and absolute times. The first init stays; a later one that
/// says the same is dropped, another one is passed on. Indexes of single chunks are dropped, fragments are numbered through.
/// What is no well-formed MP4 is passed on as it came: a player may know it.
/// </summary>
public sealed class StreamJoiner
{
    private byte[]? _configuration;
    private uint _fragments;

    /// <summary>The parts of the chunk that belong to the stream, in order; the numbers of its fragments are written into the chunk.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Join(Memory<byte> chunk)
    {
        if (!TrySplit(chunk.Span, out var boxes))
        {
            return [chunk];
        }

        var keepsInit = AcceptInit(boxes, chunk.Span);
        List<ReadOnlyMemory<byte>> parts = [];
        var start = 0;
        foreach (var box in boxes)
        {
            var isKept = box.Type switch
            {
                BoxTypes.Ftyp or BoxTypes.Moov => keepsInit,
                BoxTypes.Sidx or BoxTypes.Mfra => false,
                _ => true,
            };
            if (!isKept)
            {
                Add(start, box.Start);
                start = box.End;
            }
            else if (box.Type == BoxTypes.Moof)
            {
                Number(chunk.Span.Slice(box.Start, box.Length)[box.HeaderLength..]);
            }
        }

        Add(start, chunk.Length);
        return parts;

        void Add(int from, int to)
        {
            if (to > from)
            {
                parts.Add(chunk[from..to]);
            }
        }
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

        return true; // fragments alone: their ftyp, if any, is theirs
    }

    /// <summary>14496-12, 8.8.5: the numbers increase through the stream; each chunk counts from 1.</summary>
    private void Number(Span<byte> moof)
    {
        BoxReader boxes = new(moof);
        if (boxes.Read() && boxes.Current is { Type: BoxTypes.Mfhd, Length: >= 16, HeaderLength: 8 })
        {
            BinaryPrimitives.WriteUInt32BigEndian(moof[12..], ++_fragments);
        }
    }
}
