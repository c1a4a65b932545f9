using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace Storage.Node.Log.Frames;

public enum FrameKind : byte
{
    /// <summary>A chunk's bytes.</summary>
    Chunk = 1,

    /// <summary>The chunk of that id is deleted. No payload.</summary>
    Tombstone = 2,

    /// <summary>What the acceptor of that chunk has promised and accepted.</summary>
    Acceptor = 3,
}

/// <summary>
/// One record of the log: this header, then the payload. Little endian:
/// 0 magic, 4 kind, 5 flags (0), 6 length of the id, 7 version, 8 length of the payload, 12 number of the superblock, 16 offset of
/// the frame in it, 24 the superblock's salt, 32 durable before, 40 id, 104 SHA-256 of the payload, 136 zero, 140 CRC-32C of it all.
/// </summary>
/// <param name="Offset">Of the header. It is part of the header: bytes of a payload that look like a frame are none.</param>
/// <param name="DurableBefore">When this frame was written, everything below this offset had been through an fsync. What is wrong there is damage;
/// what is wrong in the last batch of a file may be a write that a crash interrupted.</param>
public sealed record Frame(FrameKind Kind, string Id, int Length, byte[] Sha256, long Offset, long DurableBefore)
{
    public const int HeaderBytes = 144;

    public const int MostIdBytes = 64;

    /// <summary>Larger lengths are damage.</summary>
    public const int MostPayloadBytes = 4 << 20;

    public static ReadOnlySpan<byte> Magic => "VSF\u0001"u8;

    private const byte Version = 1;
    private const int IdAt = 40;
    private const int Sha256At = 104;
    private const int CrcAt = 140;

    public long PayloadAt => Offset + HeaderBytes;

    public long End => PayloadAt + Length;

    public int TotalBytes => HeaderBytes + Length;

    public void Write(Span<byte> header, SuperblockIdentity superblock)
    {
        header[..HeaderBytes].Clear();
        Magic.CopyTo(header);
        header[4] = (byte)Kind;
        header[6] = (byte)Id.Length;
        header[7] = Version;
        BinaryPrimitives.WriteInt32LittleEndian(header[8..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], superblock.Number);
        BinaryPrimitives.WriteInt64LittleEndian(header[16..], Offset);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], superblock.Salt);
        BinaryPrimitives.WriteInt64LittleEndian(header[32..], DurableBefore);
        Encoding.ASCII.GetBytes(Id, header[IdAt..]);
        Sha256.CopyTo(header[Sha256At..]);
        BinaryPrimitives.WriteUInt32LittleEndian(header[CrcAt..], Crc(header[..CrcAt]));
    }

    /// <param name="superblock">The file that it must say it belongs to; a salt of 0: any, the file's own header is lost.</param>
    /// <returns>Null: no frame of this file begins here.</returns>
    public static Frame? Read(ReadOnlySpan<byte> header, long offset, SuperblockIdentity superblock)
    {
        if (header.Length < HeaderBytes || !header.StartsWith(Magic) || header[7] != Version || header[5] != 0 ||
            BinaryPrimitives.ReadUInt32LittleEndian(header[CrcAt..]) != Crc(header[..CrcAt]) ||
            BinaryPrimitives.ReadUInt32LittleEndian(header[12..]) != superblock.Number ||
            BinaryPrimitives.ReadInt64LittleEndian(header[16..]) != offset ||
            (superblock.Salt != 0 && SaltOf(header) != superblock.Salt))
        {
            return null;
        }

        var (kind, idBytes, length) = ((FrameKind)header[4], header[6], BinaryPrimitives.ReadInt32LittleEndian(header[8..]));
        return Enum.IsDefined(kind) && idBytes is > 0 and <= MostIdBytes && length is >= 0 and <= MostPayloadBytes
            ? new(kind, Encoding.ASCII.GetString(header.Slice(IdAt, idBytes)), length, header.Slice(Sha256At, 32).ToArray(), offset, BinaryPrimitives.ReadInt64LittleEndian(header[32..]))
            : null;
    }

    public static ulong SaltOf(ReadOnlySpan<byte> header) => BinaryPrimitives.ReadUInt64LittleEndian(header[24..]);

    public static uint Crc(ReadOnlySpan<byte> bytes)
    {
        var crc = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var rest in bytes)
        {
            crc = BitOperations.Crc32C(crc, rest);
        }

        return ~crc;
    }
}
