using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Smart.Client.Mp4;

/// <summary>
/// What of a <c>moov</c> decides how the fragments behind it are understood: each track's id, time scale and sample descriptions, and the defaults
/// of its fragments. Not what says nothing about them: dates, durations, edit lists, the muxer's name.
/// </summary>
internal static class CodecConfiguration
{
    /// <summary>Equal for two inits that read each other's fragments alike.</summary>
    /// <param name="moov">The box's body.</param>
    public static byte[] Fingerprint(ReadOnlySpan<byte> moov)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        BoxReader boxes = new(moov);
        while (boxes.Read())
        {
            var body = boxes.Current.BodyIn(moov);
            switch (boxes.Current.Type)
            {
                case BoxTypes.Trak:
                    AppendTrack(hash, body);
                    break;
                case BoxTypes.Mvex:
                    AppendDefaults(hash, body);
                    break;
            }
        }

        return hash.GetHashAndReset();
    }

    private static void AppendTrack(IncrementalHash hash, ReadOnlySpan<byte> trak)
    {
        var media = BoxReader.Find(trak, BoxTypes.Mdia);
        var descriptions = BoxReader.Find(BoxReader.Find(BoxReader.Find(media, BoxTypes.Minf), BoxTypes.Stbl), BoxTypes.Stsd);
        Append(hash, BoxTypes.Tkhd, BehindDates(BoxReader.Find(trak, BoxTypes.Tkhd)));
        Append(hash, BoxTypes.Mdhd, BehindDates(BoxReader.Find(media, BoxTypes.Mdhd)));
        Append(hash, BoxTypes.Stsd, descriptions);
    }

    private static void AppendDefaults(IncrementalHash hash, ReadOnlySpan<byte> mvex)
    {
        BoxReader boxes = new(mvex);
        while (boxes.Read())
        {
            if (boxes.Current.Type == BoxTypes.Trex)
            {
                Append(hash, BoxTypes.Trex, boxes.Current.BodyIn(mvex));
            }
        }
    }

    /// <summary>Both headers have, after version, flags and two dates, the 32 bits that are wanted: the track's id, the time scale.</summary>
    public static ReadOnlySpan<byte> BehindDates(ReadOnlySpan<byte> header)
    {
        var at = header.Length > 0 && header[0] == 1 ? 20 : 12;
        return header.Length >= at + 4 ? header.Slice(at, 4) : [];
    }

    private static void Append(IncrementalHash hash, uint type, ReadOnlySpan<byte> bytes)
    {
        Span<byte> head = stackalloc byte[8]; // type and length, so that two fields never read as one
        BinaryPrimitives.WriteUInt32BigEndian(head, type);
        BinaryPrimitives.WriteInt32BigEndian(head[4..], bytes.Length);
        hash.AppendData(head);
        hash.AppendData(bytes);
    }
}
