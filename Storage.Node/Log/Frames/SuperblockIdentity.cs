using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Storage.Node.Log.Frames;

/// <summary>What tells a superblock's frames from other bytes.</summary>
/// <param name="Number">From 1. A frame in a higher superblock is newer.</param>
/// <param name="Salt">Drawn, and never told: whoever writes chunks cannot write bytes that pass for frames of this file.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct SuperblockIdentity(uint Number, ulong Salt)
{
    public static SuperblockIdentity Draw(uint number) => new(number, BinaryPrimitives.ReadUInt64LittleEndian(RandomNumberGenerator.GetBytes(sizeof(ulong))) | 1);
}

/// <summary>Where a superblock that failed ends: what was refused behind it stays refused, although its bytes may have reached the disk.</summary>
[StructLayout(LayoutKind.Auto)]
public readonly record struct Fence(uint Superblock, long End);

/// <summary>The first bytes of a superblock file: 0 magic, 4 version, 8 number, 12 and 24 the fence, 16 salt, 32 zero, 60 CRC-32C.</summary>
/// <param name="Fence">Of the superblock that failed before this one; default: none did.</param>
public sealed record SuperblockHeader(SuperblockIdentity Identity, Fence Fence)
{
    public const int Bytes = 64;

    private const int CrcAt = 60;

    private static ReadOnlySpan<byte> Magic => "VSSB\u0001"u8;

    public byte[] ToBytes()
    {
        var bytes = new byte[Bytes];
        Magic.CopyTo(bytes);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), Identity.Number);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(12), Fence.Superblock);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(16), Identity.Salt);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(24), Fence.End);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(CrcAt), Frame.Crc(bytes.AsSpan(0, CrcAt)));
        return bytes;
    }

    /// <returns>Null: damaged, or never completed.</returns>
    public static SuperblockHeader? Read(ReadOnlySpan<byte> bytes, uint number) =>
        bytes.Length >= Bytes && bytes.StartsWith(Magic) && BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcAt..]) == Frame.Crc(bytes[..CrcAt]) &&
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[8..]) == number
            ? new(
                new(number, BinaryPrimitives.ReadUInt64LittleEndian(bytes[16..])),
                new(BinaryPrimitives.ReadUInt32LittleEndian(bytes[12..]), BinaryPrimitives.ReadInt64LittleEndian(bytes[24..])))
            : null;
}
