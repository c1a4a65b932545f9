using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Storage.Fabric.Erasure;

/// <summary>
/// Multiplication by a constant is linear over bits, so it is one GF2P8AFFINEQB with the constant's 8x8 matrix. (GF2P8MULB
/// would not do: its polynomial is 0x11b for ever.)
/// </summary>
internal static class GfniMatrix
{
    /// <summary>Byte 7 - i is the row that makes bit i of the product: its bit j says whether bit j of the other factor counts.</summary>
    public static ulong Of(byte factor)
    {
        var matrix = 0ul;
        for (var j = 0; j < 8; j++)
        {
            var column = GaloisField.Multiply(factor, (byte)(1 << j));
            for (var i = 0; i < 8; i++)
            {
                matrix |= (ulong)((column >> i) & 1) << (((7 - i) * 8) + j);
            }
        }

        return matrix;
    }
}

internal readonly struct Gfni512 : ILanes<Vector512<byte>, Vector512<byte>>
{
    public static bool IsSupported => Gfni.V512.IsSupported;

    public static int Width => Vector512<byte>.Count;

    public static Vector512<byte> Factor(byte factor) => Vector512.Create(GfniMatrix.Of(factor)).AsByte();

    public static Vector512<byte> Load(ref byte start, int offset) => Vector512.LoadUnsafe(ref Unsafe.Add(ref start, offset));

    public static void Store(Vector512<byte> bytes, ref byte start, int offset) => bytes.StoreUnsafe(ref Unsafe.Add(ref start, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Sum(Vector512<byte> f, Vector512<byte> a, Vector512<byte> g, Vector512<byte> b, Vector512<byte> h, Vector512<byte> c) =>
        Gfni.V512.GaloisFieldAffineTransform(a, f, 0) ^ Gfni.V512.GaloisFieldAffineTransform(b, g, 0) ^ Gfni.V512.GaloisFieldAffineTransform(c, h, 0);
}

internal readonly struct Gfni256 : ILanes<Vector256<byte>, Vector256<byte>>
{
    public static bool IsSupported => Gfni.V256.IsSupported;

    public static int Width => Vector256<byte>.Count;

    public static Vector256<byte> Factor(byte factor) => Vector256.Create(GfniMatrix.Of(factor)).AsByte();

    public static Vector256<byte> Load(ref byte start, int offset) => Vector256.LoadUnsafe(ref Unsafe.Add(ref start, offset));

    public static void Store(Vector256<byte> bytes, ref byte start, int offset) => bytes.StoreUnsafe(ref Unsafe.Add(ref start, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Sum(Vector256<byte> f, Vector256<byte> a, Vector256<byte> g, Vector256<byte> b, Vector256<byte> h, Vector256<byte> c) =>
        Gfni.V256.GaloisFieldAffineTransform(a, f, 0) ^ Gfni.V256.GaloisFieldAffineTransform(b, g, 0) ^ Gfni.V256.GaloisFieldAffineTransform(c, h, 0);
}

internal readonly struct Gfni128 : ILanes<Vector128<byte>, Vector128<byte>>
{
    public static bool IsSupported => Gfni.IsSupported;

    public static int Width => Vector128<byte>.Count;

    public static Vector128<byte> Factor(byte factor) => Vector128.Create(GfniMatrix.Of(factor)).AsByte();

    public static Vector128<byte> Load(ref byte start, int offset) => Vector128.LoadUnsafe(ref Unsafe.Add(ref start, offset));

    public static void Store(Vector128<byte> bytes, ref byte start, int offset) => bytes.StoreUnsafe(ref Unsafe.Add(ref start, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Sum(Vector128<byte> f, Vector128<byte> a, Vector128<byte> g, Vector128<byte> b, Vector128<byte> h, Vector128<byte> c) =>
        Gfni.GaloisFieldAffineTransform(a, f, 0) ^ Gfni.GaloisFieldAffineTransform(b, g, 0) ^ Gfni.GaloisFieldAffineTransform(c, h, 0);
}
