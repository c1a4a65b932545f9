using System.Diagnostics;
using System.Globalization;
using Storage.Fabric;
using Storage.Fabric.Erasure;
using Xunit;

namespace Storage.Tests.Erasure;

/// <summary>A stopwatch beside a memory copy of the same bytes; one core. The figures are a diagnostic message (<c>-diagnostics</c>), only the loss of the vectors fails.</summary>
[Trait("Long", "true")]
public sealed class ErasureSpeedTests
{
    private const int Rounds = 200;

    /// <summary>Times the speed of plain arithmetic, which the same load makes as slow; on a quiet machine it is some thirty times.</summary>
    private const double Least = 3;

    [Fact]
    public void Coding_a_chunk_is_of_the_speed_of_memory()
    {
        var chunk = new byte[ChunkLimits.ChunkBytes];
        new Random(1).NextBytes(chunk);
        var output = new byte[chunk.Length];
        var shards = ErasureCode.Encode(chunk);
        List<(string What, double Speed)> figures =
        [
            ("memory copy", Measure(() => chunk.AsSpan().CopyTo(output))),
            ("encode both parities from the chunk", Measure(() => ErasureCode.EncodeParity(chunk, shards[3], shards[4]))),
            ("encode into five new arrays", Measure(() => ErasureCode.Encode(chunk))),
        ];
        foreach (var (first, second) in ErasureCodeTests.Losses())
        {
            byte[]?[] left = [.. shards];
            (left[first], left[second]) = (null, null);
            figures.Add((string.Create(CultureInfo.InvariantCulture, $"decode without {first} and {second}"), Measure(() => ErasureCode.Decode(left, output))));
        }

        foreach (var kernel in ShardKernel.Supported)
        {
            figures.Add(($"both parities by {kernel.Name}", Measure(() => kernel.Combine(CodeMatrix.Parity, shards[0], shards[1], shards[2], shards[3], shards[4]))));
        }

        TestContext.Current.SendDiagnosticMessage(string.Join('\n', figures.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Speed,7:0.00} GB/s {one.What}"))));
        var plain = figures[^1].Speed;
        Assert.All(
            figures.SkipLast(1).Where(one => ShardKernel.Supported.Count > 1 && !one.What.Contains("new arrays", StringComparison.Ordinal)),
            one => Assert.True(one.Speed > Least * plain, $"{one.What}: {one.Speed:0.00} GB/s, plain arithmetic {plain:0.00}"));
    }

    /// <summary>GB of chunk a second, the median round.</summary>
    private static double Measure(Action once)
    {
        var ticks = new long[Rounds];
        for (var i = -20; i < Rounds; i++)
        {
            var started = Stopwatch.GetTimestamp();
            once();
            ticks[Math.Max(i, 0)] = Stopwatch.GetTimestamp() - started;
        }

        Array.Sort(ticks);
        return ChunkLimits.ChunkBytes / (double)ticks[Rounds / 2] * Stopwatch.Frequency / 1e9;
    }
}
