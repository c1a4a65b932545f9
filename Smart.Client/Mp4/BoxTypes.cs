namespace Smart.Client.Mp4;

/// <summary>The four-character codes that matter here, big-endian as they are read.</summary>
internal static class BoxTypes
{
    public const uint Ftyp = 0x66747970;
    public const uint Moov = 0x6D6F6F76;
    public const uint Trak = 0x7472616B;
    public const uint Tkhd = 0x746B6864;
    public const uint Mdia = 0x6D646961;
    public const uint Mdhd = 0x6D646864;
    public const uint Minf = 0x6D696E66;
    public const uint Stbl = 0x7374626C;
    public const uint Stsd = 0x73747364;
    public const uint Mvex = 0x6D766578;
    public const uint Trex = 0x74726578;
    public const uint Moof = 0x6D6F6F66;
    public const uint Mfhd = 0x6D666864;
    public const uint Mdat = 0x6D646174;

    /// <summary>Room that nobody reads.</summary>
    public const uint Free = 0x66726565;

    /// <summary>An index of a chunk's own fragments; wrong about the joined stream.</summary>
    public const uint Sidx = 0x73696478;

    /// <summary>An index of positions in the file that the chunk was; wrong about the joined stream.</summary>
    public const uint Mfra = 0x6D667261;
}
