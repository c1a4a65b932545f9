namespace Storage.Fabric.Erasure;

/// <summary>GF(256) with the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d) and the generator 2. Addition is xor.</summary>
internal static class GaloisField
{
    private const int Polynomial = 0x11d;

    private static readonly byte[] _products = MakeProducts();

    public static byte Multiply(byte left, byte right) => _products[(left << 8) | right];

    /// <summary>All products of one factor, by the other.</summary>
    public static ReadOnlySpan<byte> ProductsOf(byte factor) => _products.AsSpan(factor << 8, 256);

    public static byte Inverse(byte value)
    {
        var inverse = ProductsOf(value).IndexOf((byte)1);
        return inverse > 0 ? (byte)inverse : throw new DivideByZeroException();
    }

    private static byte[] MakeProducts()
    {
        var products = new byte[256 * 256];
        for (var i = 0; i < products.Length; i++)
        {
            products[i] = MultiplySlowly(i >> 8, i & 0xff);
        }

        return products;
    }

    private static byte MultiplySlowly(int left, int right)
    {
        var product = 0;
        for (; right > 0; right >>= 1)
        {
            product ^= (right & 1) * left;
            left <<= 1;
            left ^= (left >> 8) * Polynomial;
        }

        return (byte)product;
    }
}
