namespace Storage.Fabric.Erasure;

/// <summary>
/// Three shards of data, two of parity: any three give the chunk back. Bytewise in GF(256) with the polynomial 0x11d:
/// P0 = 15 D0 + 7 D1 + 3 D2, P1 = 14 D0 + 6 D1 + 2 D2. The data is cut in three equal parts, the last padded with zeros.
/// </summary>
public static class ErasureCode
{
    private const int Data = ChunkLimits.DataShards;
    private const int Total = ChunkLimits.TotalShards;

    /// <summary>Of each of the five.</summary>
    /// <param name="sizeBytes">Of the chunk, over 0.</param>
    public static int ShardBytes(int sizeBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(sizeBytes);
        return (sizeBytes / Data) + (sizeBytes % Data > 0 ? 1 : 0);
    }

    /// <summary>Five new arrays. Their memory costs more than the arithmetic: who has a place for the parity, and can send data from where it lies, takes <see cref="EncodeParity"/>.</summary>
    public static byte[][] Encode(ReadOnlySpan<byte> chunk)
    {
        var size = ShardBytes(chunk.Length);
        var shards = new byte[Total][];
        for (var i = 0; i < Data; i++)
        {
            shards[i] = DataShard(chunk, i);
        }

        shards[Data] = GC.AllocateUninitializedArray<byte>(size);
        shards[Data + 1] = GC.AllocateUninitializedArray<byte>(size);
        EncodeParity(chunk, shards[Data], shards[Data + 1]);
        return shards;
    }

    /// <summary>The two shards of parity, of <see cref="ShardBytes"/> each, straight from the chunk.</summary>
    public static void EncodeParity(ReadOnlySpan<byte> chunk, Span<byte> first, Span<byte> second)
    {
        var size = ShardBytes(chunk.Length);
        if (first.Length != size || second.Length != size)
        {
            throw new ArgumentException($"A shard has {size} bytes here.", nameof(first));
        }

        var d0 = Part(chunk, 0, size);
        var d1 = Part(chunk, 1, size);
        var d2 = Part(chunk, 2, size);
        var whole = d2.Length;
        ShardKernel.Best.Combine(CodeMatrix.Parity, d0, d1, d2, first[..whole], second[..whole]);

        // Beyond D2's end are up to two bytes of the others: here it gets its padding, which the chunk has no room for.
        var rest = size - whole;
        ShardKernel.Best.Combine(CodeMatrix.Parity, Padded(d0[whole..], rest), Padded(d1[Math.Min(whole, d1.Length)..], rest), new byte[rest], first[whole..], second[whole..]);
    }

    /// <summary>A copy of one of the three shards of data, padded.</summary>
    public static byte[] DataShard(ReadOnlySpan<byte> chunk, int index)
    {
        var size = ShardBytes(chunk.Length);
        var part = Part(chunk, index, size);
        return part.Length == size ? part.ToArray() : Padded(part, size);
    }

    /// <summary>The chunk from any three shards, in a new array.</summary>
    /// <param name="shards">By index; null: lost.</param>
    /// <param name="sizeBytes">Of the chunk.</param>
    /// <exception cref="InvalidDataException">Not five places, fewer than three shards, or one of another length.</exception>
    public static byte[] Decode(IReadOnlyList<byte[]?> shards, int sizeBytes)
    {
        var chunk = GC.AllocateUninitializedArray<byte>(sizeBytes);
        Decode(shards, chunk);
        return chunk;
    }

    /// <summary>The same, into a buffer that is exactly the chunk's size: no allocation.</summary>
    public static void Decode(IReadOnlyList<byte[]?> shards, Span<byte> chunk)
    {
        var size = ShardBytes(chunk.Length);
        Span<int> given = stackalloc int[Data];
        ChooseGiven(shards, size, given);
        Span<int> lost = stackalloc int[Data];
        var losses = 0;
        for (var i = 0; i < Data; i++)
        {
            if (shards[i] is { } shard)
            {
                var part = Part(chunk, i, size);
                shard.AsSpan(0, part.Length).CopyTo(part);
            }
            else
            {
                lost[losses++] = i;
            }
        }

        if (losses == 0)
        {
            return;
        }

        var first = Part(chunk, lost[0], size);
        var second = losses > 1 ? Part(chunk, lost[1], size) : [];
        var rows = CodeMatrix.Recovery(given, lost[..losses]);
        ShardKernel.Best.Combine(rows, shards[given[0]], shards[given[1]], shards[given[2]], first, second);
    }

    /// <summary>Data first: what is there needs no arithmetic.</summary>
    private static void ChooseGiven(IReadOnlyList<byte[]?> shards, int size, Span<int> given)
    {
        if (shards.Count != Total)
        {
            throw new InvalidDataException($"{shards.Count} places for shards instead of {Total}.");
        }

        var found = 0;
        for (var i = 0; i < Total; i++)
        {
            if (shards[i] is not { } shard)
            {
                continue;
            }

            if (shard.Length != size)
            {
                throw new InvalidDataException($"Shard {i} has {shard.Length} bytes instead of {size}.");
            }

            if (found < Data)
            {
                given[found++] = i;
            }
        }

        if (found < Data)
        {
            throw new InvalidDataException($"{found} shards of the {Data} that are needed.");
        }
    }

    private static ReadOnlySpan<byte> Part(ReadOnlySpan<byte> chunk, int index, int size) => chunk[Math.Min(index * size, chunk.Length)..Math.Min((index + 1) * size, chunk.Length)];

    private static Span<byte> Part(Span<byte> chunk, int index, int size) => chunk[Math.Min(index * size, chunk.Length)..Math.Min((index + 1) * size, chunk.Length)];

    private static byte[] Padded(ReadOnlySpan<byte> part, int size)
    {
        var shard = new byte[size];
        part.CopyTo(shard);
        return shard;
    }
}
