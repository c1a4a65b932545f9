using System.Runtime.CompilerServices;

namespace Storage.Fabric.Erasure;

/// <summary>How many bytes at once are multiplied, and by which instruction.</summary>
/// <typeparam name="TVector">The bytes.</typeparam>
/// <typeparam name="TFactor">A factor as the instruction wants it.</typeparam>
internal interface ILanes<TVector, TFactor>
{
    static abstract bool IsSupported { get; }

    /// <summary>Bytes of a vector.</summary>
    static abstract int Width { get; }

    static abstract TFactor Factor(byte factor);

    static abstract TVector Load(ref byte start, int offset);

    static abstract void Store(TVector bytes, ref byte start, int offset);

    /// <summary>f a + g b + h c, byte by byte.</summary>
    static abstract TVector Sum(TFactor f, TVector a, TFactor g, TVector b, TFactor h, TVector c);
}

/// <summary>No vectors: a look into the table of products for each byte.</summary>
internal readonly struct SingleBytes : ILanes<byte, byte>
{
    public static bool IsSupported => true;

    public static int Width => 1;

    public static byte Factor(byte factor) => factor;

    public static byte Load(ref byte start, int offset) => Unsafe.Add(ref start, offset);

    public static void Store(byte bytes, ref byte start, int offset) => Unsafe.Add(ref start, offset) = bytes;

    public static byte Sum(byte f, byte a, byte g, byte b, byte h, byte c) =>
        (byte)(GaloisField.Multiply(f, a) ^ GaloisField.Multiply(g, b) ^ GaloisField.Multiply(h, c));
}
