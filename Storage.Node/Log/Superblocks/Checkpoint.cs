using System.Security.Cryptography;
using Storage.Node.Log.Files;
using Storage.Node.Log.Frames;

namespace Storage.Node.Log.Superblocks;

/// <summary>
/// The headers of one superblock up to a position, so that a start reads one small file instead of them. One per superblock:
/// what is sealed is written once, and a PUT pays the same however much is held. It names only what was durable.
/// </summary>
public sealed record Checkpoint(SuperblockIdentity Superblock, long CoveredTo, IReadOnlyList<Frame> Frames, IReadOnlyList<Gap> Gaps)
{
    private const uint Magic = 0x50435356; // VSCP
    private const int Version = 1;

    /// <summary>Reads the superblock's headers and writes them beside it: whole, or not at all.</summary>
    public static void Take(ILogDisk disk, Superblock superblock)
    {
        var end = superblock.End;
        // What lies behind the acknowledged end was refused, or is being written.
        var scan = FrameScan.Run(superblock.File, superblock.Identity, SuperblockHeader.Bytes, end);
        new Checkpoint(superblock.Identity, end, scan.Frames, [.. scan.Gaps.Where(gap => gap.From < scan.DurableBefore)]).Write(disk);
        superblock.CheckpointedTo = end;
    }

    /// <returns>Null: there is none, it is of another file, or a bit of it is wrong.</returns>
    public static Checkpoint? Read(ILogDisk disk, SuperblockIdentity superblock)
    {
        if (WholeFile.Read(disk, LogFolder.CheckpointOf(superblock.Number)) is not { } bytes)
        {
            return null;
        }

        var body = bytes.AsSpan(0, Math.Max(0, bytes.Length - SHA256.HashSizeInBytes));
        if (!SHA256.HashData(body).AsSpan().SequenceEqual(bytes.AsSpan(body.Length)))
        {
            return null;
        }

        using BinaryReader reader = new(new MemoryStream(bytes, 0, body.Length));
        if (reader.ReadUInt32() != Magic || reader.ReadInt32() != Version || reader.ReadUInt32() != superblock.Number || reader.ReadUInt64() != superblock.Salt)
        {
            return null;
        }

        var covered = reader.ReadInt64();
        var gaps = new Gap[reader.ReadInt32()];
        for (var index = 0; index < gaps.Length; index++)
        {
            gaps[index] = new(reader.ReadInt64(), reader.ReadInt64());
        }

        var frames = new Frame[reader.ReadInt32()];
        for (var index = 0; index < frames.Length; index++)
        {
            frames[index] = new((FrameKind)reader.ReadByte(), reader.ReadString(), reader.ReadInt32(), reader.ReadBytes(SHA256.HashSizeInBytes), reader.ReadInt64(), covered);
        }

        return new(superblock, covered, frames, gaps);
    }

    private void Write(ILogDisk disk)
    {
        using MemoryStream bytes = new();
        using BinaryWriter writer = new(bytes);
        writer.Write(Magic);
        writer.Write(Version);
        writer.Write(Superblock.Number);
        writer.Write(Superblock.Salt);
        writer.Write(CoveredTo);
        writer.Write(Gaps.Count);
        foreach (var gap in Gaps)
        {
            writer.Write(gap.From);
            writer.Write(gap.To);
        }

        writer.Write(Frames.Count);
        foreach (var frame in Frames)
        {
            writer.Write((byte)frame.Kind);
            writer.Write(frame.Id);
            writer.Write(frame.Length);
            writer.Write(frame.Sha256);
            writer.Write(frame.Offset);
        }

        writer.Flush();
        bytes.Write(SHA256.HashData(bytes.GetBuffer().AsSpan(0, (int)bytes.Length)));
        WholeFile.Replace(disk, LogFolder.CheckpointOf(Superblock.Number), bytes.ToArray());
    }
}
