using Storage.Node.Log.Frames;
using Storage.Node.Log.Superblocks;

namespace Storage.Node.Log;

/// <summary>Where the newest record of an id is.</summary>
public sealed class Entry(Superblock superblock, Frame frame)
{
    private volatile bool _isCorrupt;

    public Superblock Superblock => superblock;

    public long Offset { get; } = frame.Offset;

    public long PayloadAt => Offset + Frame.HeaderBytes;

    /// <summary>Of the payload, in bytes.</summary>
    public int Length { get; } = frame.Length;

    public byte[] Sha256 { get; } = frame.Sha256;

    public string ChecksumHex => Convert.ToHexStringLower(Sha256);

    public int TotalBytes => Frame.HeaderBytes + Length;

    /// <summary>Its bytes were last seen not to be those that were stored. A new PUT replaces it.</summary>
    public bool IsCorrupt
    {
        get => _isCorrupt;
        set => _isCorrupt = value;
    }
}
