using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Storage.Fabric.Erasure;

/// <summary>Computes up to two shards of three others in one pass, in one of several ways that give the same bytes.</summary>
internal abstract class ShardKernel
{
    /// <summary>For what is shorter than a vector, and for processors without any.</summary>
    protected static readonly ShardKernel Scalar = new LaneKernel<SingleBytes, byte, byte>();

    /// <summary>
    /// What this processor has, the fastest first; the last is plain arithmetic. 256 bits before 512: shards begin and end
    /// anywhere, so that every access of 64 bytes touches two cache lines (measured: 52 to 60 GB/s, 32 to 52 with 512).
    /// </summary>
    public static IReadOnlyList<ShardKernel> Supported { get; } = [.. new ShardKernel?[]
    {
        LaneKernel<Gfni256, Vector256<byte>, Vector256<byte>>.IfSupported(),
        LaneKernel<Gfni128, Vector128<byte>, Vector128<byte>>.IfSupported(),
        LaneKernel<Gfni512, Vector512<byte>, Vector512<byte>>.IfSupported(),
        LaneKernel<Shuffle256, Vector256<byte>, Nibbles<Vector256<byte>>>.IfSupported(),
        LaneKernel<Shuffle512, Vector512<byte>, Nibbles<Vector512<byte>>>.IfSupported(),
        LaneKernel<Shuffle128, Vector128<byte>, Nibbles<Vector128<byte>>>.IfSupported(),
        Scalar,
    }.OfType<ShardKernel>()];

    public static ShardKernel Best { get; } = Supported[0];

    public abstract string Name { get; }

    /// <param name="rows">Six factors: <paramref name="first"/> is the first three times the inputs, <paramref name="second"/> the others.</param>
    /// <param name="first">Inputs are at least as long, and do not overlap it.</param>
    /// <param name="second">Not longer than <paramref name="first"/>; may be empty.</param>
    public void Combine(ReadOnlySpan<byte> rows, ReadOnlySpan<byte> a, ReadOnlySpan<byte> b, ReadOnlySpan<byte> c, Span<byte> first, Span<byte> second)
    {
        // The loops count in references without bounds: here is where lengths are checked, once.
        if (rows.Length != 6 || Math.Min(a.Length, Math.Min(b.Length, c.Length)) < first.Length || first.Length < second.Length)
        {
            throw new ArgumentException("Six factors; no output longer than an input, nor the second longer than the first.", nameof(first));
        }

        ShardRefs at = new(
            ref MemoryMarshal.GetReference(a), ref MemoryMarshal.GetReference(b), ref MemoryMarshal.GetReference(c),
            ref MemoryMarshal.GetReference(first), ref MemoryMarshal.GetReference(second));
        if (second.Length > 0)
        {
            Two(rows, in at, 0, second.Length);
        }

        if (first.Length > second.Length)
        {
            One(rows, in at, second.Length, first.Length);
        }
    }

    /// <summary>Both outputs, from one offset to a higher one.</summary>
    protected internal abstract void Two(ReadOnlySpan<byte> rows, in ShardRefs at, int from, int to);

    /// <summary>The first output alone.</summary>
    protected internal abstract void One(ReadOnlySpan<byte> rows, in ShardRefs at, int from, int to);
}

/// <summary>Where three inputs and two outputs begin.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly ref struct ShardRefs(ref byte a, ref byte b, ref byte c, ref byte first, ref byte second)
{
    public readonly ref byte A = ref a;
    public readonly ref byte B = ref b;
    public readonly ref byte C = ref c;
    public readonly ref byte First = ref first;
    public readonly ref byte Second = ref second;
}
