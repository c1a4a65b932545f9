using Storage.Fabric;
using Storage.Fabric.Erasure;
using Xunit;

namespace Storage.Tests.Erasure;

public sealed class ErasureCodeTests
{
    /// <summary>Around a vector's width, a whole chunk, and the most that a node takes.</summary>
    public static readonly int[] Sizes = [1, 2, 3, 4, 5, 9, 47, 48, 49, 100, 191, 192, 193, 194, 1000, ChunkLimits.ChunkBytes, ChunkLimits.MostBytes];

    [Fact]
    public void The_shards_are_those_of_the_original()
    {
        var shards = ErasureCode.Encode([0, 1, 2, 3, 4, 5, 6, 7, 8]);

        Assert.Equal(["000102", "030405", "060708", "031a1d", "061812"], shards.Select(Convert.ToHexStringLower));
    }

    [Fact]
    public void Parity_is_that_of_the_padded_data()
    {
        foreach (var size in Sizes)
        {
            var chunk = Bytes(size);
            var shards = ErasureCode.Encode(chunk);
            Assert.Equal(chunk, shards[..3].SelectMany(shard => shard).Take(size));
            Assert.DoesNotContain(shards[..3].SelectMany(shard => shard).Skip(size), padding => padding != 0);
            for (var i = 0; i < shards[0].Length; i++)
            {
                var (d0, d1, d2) = (shards[0][i], shards[1][i], shards[2][i]);
                if (shards[3][i] != (byte)(GaloisField.Multiply(15, d0) ^ GaloisField.Multiply(7, d1) ^ GaloisField.Multiply(3, d2))
                    || shards[4][i] != (byte)(GaloisField.Multiply(14, d0) ^ GaloisField.Multiply(6, d1) ^ GaloisField.Multiply(2, d2)))
                {
                    Assert.Fail($"{size} bytes: wrong parity at {i}");
                }
            }
        }
    }

    [Fact]
    public void Any_three_shards_give_the_chunk_back_at_every_size()
    {
        foreach (var size in Sizes)
        {
            var chunk = Bytes(size);
            var shards = ErasureCode.Encode(chunk);
            Assert.All(shards, shard => Assert.Equal(ErasureCode.ShardBytes(size), shard.Length));
            foreach (var (first, second) in Losses())
            {
                byte[]?[] left = [.. shards];
                (left[first], left[second]) = (null, null);
                Assert.True(chunk.AsSpan().SequenceEqual(ErasureCode.Decode(left, size)), $"{size} bytes without {first} and {second}");
            }
        }
    }

    [Fact]
    public void One_loss_and_none_are_read_as_well()
    {
        var chunk = Bytes(100_001);
        var shards = ErasureCode.Encode(chunk);
        Assert.Equal(chunk, ErasureCode.Decode(shards, chunk.Length));
        for (var lost = 0; lost < ChunkLimits.TotalShards; lost++)
        {
            byte[]?[] left = [.. shards];
            left[lost] = null;
            Assert.Equal(chunk, ErasureCode.Decode(left, chunk.Length));
        }
    }

    [Fact]
    public void The_size_of_a_shard_is_the_third_rounded_up()
    {
        Assert.Equal(699_051, ErasureCode.ShardBytes(ChunkLimits.ChunkBytes));
        Assert.Equal([1, 1, 1, 2, 2, 2, 3], Enumerable.Range(1, 7).Select(ErasureCode.ShardBytes));
        Assert.Equal(715_827_883, ErasureCode.ShardBytes(int.MaxValue));
    }

    [Fact]
    public void What_is_no_set_of_shards_is_refused()
    {
        var shards = ErasureCode.Encode(Bytes(100));

        Assert.Throws<InvalidDataException>(() => ErasureCode.Decode([shards[0], null, null, shards[3], null], 100));
        Assert.Throws<InvalidDataException>(() => ErasureCode.Decode([null, null, null, null, null], 100));
        Assert.Throws<InvalidDataException>(() => ErasureCode.Decode(shards[..4], 100));
        Assert.Throws<InvalidDataException>(() => ErasureCode.Decode([.. shards, shards[0]], 100));
        Assert.Throws<InvalidDataException>(() => ErasureCode.Decode([shards[0], shards[1], shards[2], shards[3][1..], null], 100));
        Assert.Throws<InvalidDataException>(() => ErasureCode.Decode([shards[0], [.. shards[1], 0], null, shards[3], null], 100));
        Assert.Throws<InvalidDataException>(() => ErasureCode.Decode(shards, 103)); // its shards would have 35 bytes
        Assert.Throws<ArgumentOutOfRangeException>(() => ErasureCode.Decode(shards, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => ErasureCode.Encode([]));
        Assert.Throws<ArgumentException>(() => ErasureCode.EncodeParity(new byte[100], new byte[33], new byte[34]));
    }

    public static IEnumerable<(int First, int Second)> Losses() =>
        from first in Enumerable.Range(0, ChunkLimits.TotalShards)
        from second in Enumerable.Range(first + 1, ChunkLimits.TotalShards - first - 1)
        select (first, second);

    private static byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        new Random(count).NextBytes(bytes);
        return bytes;
    }
}
