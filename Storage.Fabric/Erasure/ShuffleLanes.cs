using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Storage.Fabric.Erasure;

/// <summary>The products of a factor with 0x00 to 0x0f and with 0x00 to 0xf0: a byte's product is the xor of two look-ups of 16 bytes.</summary>
/// <param name="Low">Repeated in every 16 bytes of the vector, since the instruction looks within 16.</param>
internal readonly record struct Nibbles<TVector>(TVector Low, TVector High);

internal static class NibbleTables
{
    public static Vector128<byte> Low(byte factor) => Vector128.Create(GaloisField.ProductsOf(factor)[..16]);

    public static Vector128<byte> High(byte factor)
    {
        Span<byte> products = stackalloc byte[16];
        for (var i = 0; i < products.Length; i++)
        {
            products[i] = GaloisField.Multiply(factor, (byte)(i << 4));
        }

        return Vector128.Create((ReadOnlySpan<byte>)products);
    }
}

internal readonly struct Shuffle512 : ILanes<Vector512<byte>, Nibbles<Vector512<byte>>>
{
    public static bool IsSupported => Avx512BW.IsSupported;

    public static int Width => Vector512<byte>.Count;

    public static Nibbles<Vector512<byte>> Factor(byte factor) => new(Vector512.Create(NibbleTables.Low(factor)), Vector512.Create(NibbleTables.High(factor)));

    public static Vector512<byte> Load(ref byte start, int offset) => Vector512.LoadUnsafe(ref Unsafe.Add(ref start, offset));

    public static void Store(Vector512<byte> bytes, ref byte start, int offset) => bytes.StoreUnsafe(ref Unsafe.Add(ref start, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Sum(Nibbles<Vector512<byte>> f, Vector512<byte> a, Nibbles<Vector512<byte>> g, Vector512<byte> b, Nibbles<Vector512<byte>> h, Vector512<byte> c) =>
        Product(f, a) ^ Product(g, b) ^ Product(h, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Product(Nibbles<Vector512<byte>> factor, Vector512<byte> bytes)
    {
        var mask = Vector512.Create((byte)0x0f);
        return Avx512BW.Shuffle(factor.Low, bytes & mask) ^ Avx512BW.Shuffle(factor.High, (bytes >> 4) & mask);
    }
}

internal readonly struct Shuffle256 : ILanes<Vector256<byte>, Nibbles<Vector256<byte>>>
{
    public static bool IsSupported => Avx2.IsSupported;

    public static int Width => Vector256<byte>.Count;

    public static Nibbles<Vector256<byte>> Factor(byte factor) => new(Vector256.Create(NibbleTables.Low(factor)), Vector256.Create(NibbleTables.High(factor)));

    public static Vector256<byte> Load(ref byte start, int offset) => Vector256.LoadUnsafe(ref Unsafe.Add(ref start, offset));

    public static void Store(Vector256<byte> bytes, ref byte start, int offset) => bytes.StoreUnsafe(ref Unsafe.Add(ref start, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Sum(Nibbles<Vector256<byte>> f, Vector256<byte> a, Nibbles<Vector256<byte>> g, Vector256<byte> b, Nibbles<Vector256<byte>> h, Vector256<byte> c) =>
        Product(f, a) ^ Product(g, b) ^ Product(h, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Product(Nibbles<Vector256<byte>> factor, Vector256<byte> bytes)
    {
        var mask = Vector256.Create((byte)0x0f);
        return Avx2.Shuffle(factor.Low, bytes & mask) ^ Avx2.Shuffle(factor.High, (bytes >> 4) & mask);
    }
}

internal readonly struct Shuffle128 : ILanes<Vector128<byte>, Nibbles<Vector128<byte>>>
{
    public static bool IsSupported => Ssse3.IsSupported || AdvSimd.Arm64.IsSupported;

    public static int Width => Vector128<byte>.Count;

    public static Nibbles<Vector128<byte>> Factor(byte factor) => new(NibbleTables.Low(factor), NibbleTables.High(factor));

    public static Vector128<byte> Load(ref byte start, int offset) => Vector128.LoadUnsafe(ref Unsafe.Add(ref start, offset));

    public static void Store(Vector128<byte> bytes, ref byte start, int offset) => bytes.StoreUnsafe(ref Unsafe.Add(ref start, offset));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Sum(Nibbles<Vector128<byte>> f, Vector128<byte> a, Nibbles<Vector128<byte>> g, Vector128<byte> b, Nibbles<Vector128<byte>> h, Vector128<byte> c) =>
        Product(f, a) ^ Product(g, b) ^ Product(h, c);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Product(Nibbles<Vector128<byte>> factor, Vector128<byte> bytes)
    {
        var mask = Vector128.Create((byte)0x0f);
        return Vector128.ShuffleNative(factor.Low, bytes & mask) ^ Vector128.ShuffleNative(factor.High, (bytes >> 4) & mask);
    }
}
