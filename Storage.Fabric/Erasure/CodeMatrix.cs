namespace Storage.Fabric.Erasure;

/// <summary>The code as a matrix: what each shard is of D0, D1 and D2. Rows are kept one after the other, three factors each.</summary>
internal static class CodeMatrix
{
    private const int Data = ChunkLimits.DataShards;

    private static readonly byte[] _shards =
    [
        1, 0, 0,
        0, 1, 0,
        0, 0, 1,
        15, 7, 3,
        14, 6, 2,
    ];

    /// <summary>The two rows of parity.</summary>
    public static ReadOnlySpan<byte> Parity => _shards.AsSpan(Data * Data);

    /// <summary>What lost data shards are of three given shards: their rows of the inverse of the given shards' rows.</summary>
    /// <param name="given">Three different indexes, 0 to 4.</param>
    /// <param name="lost">One or two indexes of data. The answer has two rows; the second of one loss is zeros.</param>
    public static byte[] Recovery(ReadOnlySpan<int> given, ReadOnlySpan<int> lost)
    {
        var inverse = Invert([.. Row(given[0]), .. Row(given[1]), .. Row(given[2])]);
        var rows = new byte[2 * Data];
        for (var i = 0; i < lost.Length; i++)
        {
            inverse.AsSpan(lost[i] * Data, Data).CopyTo(rows.AsSpan(i * Data));
        }

        return rows;
    }

    private static Span<byte> Row(int shard) => _shards.AsSpan(shard * Data, Data);

    /// <summary>By the adjugate. Any three different rows of the code are independent, so the determinant is never zero.</summary>
    private static byte[] Invert(ReadOnlySpan<byte> m)
    {
        var adjugate = new byte[Data * Data];
        for (var row = 0; row < Data; row++)
        {
            for (var column = 0; column < Data; column++)
            {
                adjugate[(column * Data) + row] = Cofactor(m, row, column);
            }
        }

        var determinant = 0;
        for (var i = 0; i < Data; i++)
        {
            determinant ^= GaloisField.Multiply(m[i], adjugate[i * Data]);
        }

        var scale = GaloisField.Inverse((byte)determinant);
        return [.. adjugate.Select(value => GaloisField.Multiply(value, scale))];
    }

    /// <summary>Minus is plus here, so a cofactor has no sign.</summary>
    private static byte Cofactor(ReadOnlySpan<byte> m, int row, int column)
    {
        var (above, below) = (((row + 1) % Data) * Data, ((row + 2) % Data) * Data);
        var (left, right) = ((column + 1) % Data, (column + 2) % Data);
        return (byte)(GaloisField.Multiply(m[above + left], m[below + right]) ^ GaloisField.Multiply(m[above + right], m[below + left]));
    }
}
