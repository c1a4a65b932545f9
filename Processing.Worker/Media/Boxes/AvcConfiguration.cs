using System.Buffers.Binary;

namespace Processing.Worker.Media.Boxes;

/// <summary>How the samples of an H.264 track are read (ISO/IEC 14496-15, AVCDecoderConfigurationRecord).</summary>
/// <param name="LengthBytes">Before each NAL unit.</param>
internal readonly record struct AvcConfiguration(int LengthBytes)
{
    private const int VisualEntryHeader = 78;

    private const int Slice = 1;
    private const int IdrSlice = 5;

    /// <exception cref="InvalidDataException">It is no H.264, or has other than one set of parameters.</exception>
    public static AvcConfiguration Parse(TrackInit init)
    {
        var entries = Box.Enumerate(Box.Find(init.Content, "moov/trak/mdia/minf/stbl/stsd").Body[8..]).ToList();
        if (entries is not [{ Type: "avc1" } entry])
            throw new InvalidDataException("The track has other sample entries than one avc1.");
        var avcC = Box.Find(entry.Body[VisualEntryHeader..], "avcC").Body.Span;
        if (avcC.Length < 7 || (avcC[5] & 31) != 1)
            throw new InvalidDataException("The track has other than one sequence parameter set.");
        var pictureSets = 8 + BinaryPrimitives.ReadUInt16BigEndian(avcC[6..]);
        return pictureSets < avcC.Length && avcC[pictureSets] == 1
            ? new((avcC[4] & 3) + 1)
            : throw new InvalidDataException("The track has other than one picture parameter set.");
    }

    /// <summary>Looks whether a sample decodes with the track's own parameters.</summary>
    /// <returns>Whether nothing behind it refers to what came before: it is an IDR picture.</returns>
    /// <exception cref="InvalidDataException">It brings its own parameters, or no picture.</exception>
    public bool IsIdr(ReadOnlySpan<byte> sample)
    {
        bool? isIdr = null;
        while (sample.Length > LengthBytes)
        {
            var length = 0L;
            for (var i = 0; i < LengthBytes; i++)
                length = (length << 8) | sample[i];
            if (length == 0 || length > sample.Length - LengthBytes)
                throw new InvalidDataException("A NAL unit exceeds its sample.");
            switch (sample[LengthBytes] & 31)
            {
                case >= Slice and <= IdrSlice and var type:
                    isIdr ??= type == IdrSlice;
                    break;
                case 7 or 8 or 13 or 15: // SPS, PPS, SPS extension, subset SPS
                    throw new InvalidDataException("A sample brings its own parameters.");
            }
            sample = sample[(LengthBytes + (int)length)..];
        }
        return sample.IsEmpty && isIdr is { } found ? found : throw new InvalidDataException("A sample holds no picture.");
    }
}
