using FsCheck;
using FsCheck.Fluent;
using Storage.Fabric.Erasure;
using Xunit;

namespace Storage.Tests.Erasure;

public sealed class ShardKernelTests
{
    private static readonly ShardKernel _scalar = ShardKernel.Supported[^1];

    [Fact]
    public void The_field_is_that_of_the_polynomial_0x11d()
    {
        Assert.Equal(0x1d, GaloisField.Multiply(0x80, 2));
        for (var a = 0; a < 256; a++)
        {
            Assert.Equal(a, GaloisField.Multiply((byte)a, 1));
            Assert.Equal(0, GaloisField.Multiply((byte)a, 0));
            if (a > 0)
            {
                Assert.Equal(1, GaloisField.Multiply((byte)a, GaloisField.Inverse((byte)a)));
            }
        }

        // 2 generates the field: its powers are all 255 others.
        byte power = 1;
        Assert.Equal(255, Enumerable.Range(0, 255).Select(_ => power = GaloisField.Multiply(power, 2)).Distinct().Count());
    }

    [Fact]
    public void Every_kind_of_lanes_multiplies_every_byte_by_every_factor_alike()
    {
        var bytes = Enumerable.Range(0, 256).Select(value => (byte)value).ToArray();
        var zeros = new byte[256];
        foreach (var kernel in ShardKernel.Supported)
        {
            for (var factor = 0; factor < 256; factor++)
            {
                var (first, second) = (new byte[256], new byte[256]);
                kernel.Combine([(byte)factor, 0, 0, 0, (byte)factor, 0], bytes, bytes, zeros, first, second);
                Assert.True(first.AsSpan().SequenceEqual(GaloisField.ProductsOf((byte)factor)), $"{kernel.Name} times {factor}");
                Assert.True(second.AsSpan().SequenceEqual(first), $"{kernel.Name} times {factor}, second output");
            }
        }
    }

    /// <summary>Any lengths and factors; the outputs lie between guards, which no kernel may touch.</summary>
    [Fact]
    public void Every_kind_of_lanes_gives_the_bytes_of_plain_arithmetic()
    {
        Assert.Equal("SingleBytes", _scalar.Name);
        var seeds = Gen.Choose(0, int.MaxValue - 1).ToArbitrary();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(500).WithQuietOnSuccess(true), Prop.ForAll(seeds, seed =>
        {
            Random random = new(seed);
            var length = random.Next(1, 700);
            var shorter = random.Next(0, length + 1);
            var rows = Drawn(random, 6);
            var (a, b, c) = (Drawn(random, length), Drawn(random, length), Drawn(random, length));
            var expected = Run(_scalar);
            foreach (var kernel in ShardKernel.Supported)
            {
                Assert.True(expected.AsSpan().SequenceEqual(Run(kernel)), $"{kernel.Name}, lengths {length} and {shorter}");
            }

            byte[] Run(ShardKernel kernel)
            {
                const int Guard = 64;
                var memory = new byte[length + shorter + (3 * Guard)];
                memory.AsSpan().Fill(0xa5);
                kernel.Combine(rows, a, b, c, memory.AsSpan(Guard, length), memory.AsSpan(length + (2 * Guard), shorter));
                Assert.False(memory.AsSpan(0, Guard).ContainsAnyExcept((byte)0xa5));
                Assert.False(memory.AsSpan(Guard + length, Guard).ContainsAnyExcept((byte)0xa5));
                Assert.False(memory.AsSpan(length + shorter + (2 * Guard)).ContainsAnyExcept((byte)0xa5));
                return memory;
            }
        }));
    }

    [Fact]
    public void Lengths_that_would_run_past_an_end_are_refused()
    {
        var (short_, long_) = (new byte[9], new byte[10]);
        foreach (var kernel in ShardKernel.Supported)
        {
            Assert.Throws<ArgumentException>(() => kernel.Combine(new byte[6], short_, long_, long_, new byte[10], []));
            Assert.Throws<ArgumentException>(() => kernel.Combine(new byte[6], long_, short_, long_, new byte[10], []));
            Assert.Throws<ArgumentException>(() => kernel.Combine(new byte[6], long_, long_, short_, new byte[10], []));
            Assert.Throws<ArgumentException>(() => kernel.Combine(new byte[6], long_, long_, long_, new byte[9], new byte[10]));
            Assert.Throws<ArgumentException>(() => kernel.Combine(new byte[5], long_, long_, long_, new byte[10], []));
        }
    }

    private static byte[] Drawn(Random random, int count)
    {
        var bytes = new byte[count];
        random.NextBytes(bytes);
        return bytes;
    }
}
