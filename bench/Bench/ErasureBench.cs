using System.Diagnostics;
using Storage.Fabric;
using Storage.Fabric.Erasure;

namespace Bench;

/// <summary>The erasure code on one core, beside a memory copy of the same chunk: both parities, and a chunk from any three of its five fragments.</summary>
internal static class ErasureBench
{
    private const double AimGigabytes = 2;

    public static Task<double> RunAsync(Session session, CancellationToken ct)
    {
        var rounds = session.Quick ? 50 : 500;
        var chunk = new byte[ChunkLimits.ChunkBytes];
        new Random(1).NextBytes(chunk);
        var output = new byte[chunk.Length];
        var shards = ErasureCode.Encode(chunk);
        var copy = Measure(rounds, () => chunk.AsSpan().CopyTo(output));
        var encode = Measure(rounds, () => ErasureCode.EncodeParity(chunk, shards[3], shards[4]));
        Session.Print($"memory copy {copy:0.0} GB/s, both parities {encode:0.0} GB/s ({encode / copy:0.00} of it; aim {AimGigabytes:0} GB/s)");
        var slowest = encode;
        for (var first = 0; first < ChunkLimits.TotalShards; first++)
        {
            for (var second = first + 1; second < ChunkLimits.TotalShards; second++)
            {
                ct.ThrowIfCancellationRequested();
                byte[]?[] left = [.. shards];
                (left[first], left[second]) = (null, null);
                var decode = Measure(rounds, () => ErasureCode.Decode(left, output));
                Session.Print($"  decoded without {first} and {second}: {decode:0.0} GB/s");
                slowest = Math.Min(slowest, decode);
            }
        }

        Session.Print($"the slowest of all: {slowest:0.0} GB/s; a coded chunk takes {(double)shards.Sum(shard => shard.Length) / chunk.Length:0.00} of its size instead of {ChunkLimits.Replicas}");
        return Task.FromResult(slowest / AimGigabytes);
    }

    private static double Measure(int rounds, Action once)
    {
        var times = new double[rounds];
        for (var i = -20; i < rounds; i++)
        {
            var began = Stopwatch.GetTimestamp();
            once();
            times[Math.Max(i, 0)] = Stopwatch.GetElapsedTime(began).TotalSeconds;
        }

        return ChunkLimits.ChunkBytes / new Figures(times).Median / 1e9;
    }
}
