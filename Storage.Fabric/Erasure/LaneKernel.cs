namespace Storage.Fabric.Erasure;

/// <summary>One loop for every kind of lanes: the JIT makes machine code without calls of it for each.</summary>
internal sealed class LaneKernel<TLanes, TVector, TFactor> : ShardKernel
    where TLanes : struct, ILanes<TVector, TFactor>
    where TVector : struct
    where TFactor : struct
{
    public override string Name => typeof(TLanes).Name;

    public static ShardKernel? IfSupported() => TLanes.IsSupported ? new LaneKernel<TLanes, TVector, TFactor>() : null;

    protected internal override void Two(ReadOnlySpan<byte> rows, in ShardRefs at, int from, int to)
    {
        if (to - from < TLanes.Width)
        {
            Scalar.Two(rows, in at, from, to);
            return;
        }

        var (f0, f1, f2) = (TLanes.Factor(rows[0]), TLanes.Factor(rows[1]), TLanes.Factor(rows[2]));
        var (s0, s1, s2) = (TLanes.Factor(rows[3]), TLanes.Factor(rows[4]), TLanes.Factor(rows[5]));
        var last = to - TLanes.Width;

        // The last step goes back over bytes that are done, where the length is no multiple: the same come out again.
        for (var i = from; ; i = Math.Min(i + TLanes.Width, last))
        {
            var (a, b, c) = (TLanes.Load(ref at.A, i), TLanes.Load(ref at.B, i), TLanes.Load(ref at.C, i));
            TLanes.Store(TLanes.Sum(f0, a, f1, b, f2, c), ref at.First, i);
            TLanes.Store(TLanes.Sum(s0, a, s1, b, s2, c), ref at.Second, i);
            if (i == last)
            {
                return;
            }
        }
    }

    protected internal override void One(ReadOnlySpan<byte> rows, in ShardRefs at, int from, int to)
    {
        if (to - from < TLanes.Width)
        {
            Scalar.One(rows, in at, from, to);
            return;
        }

        var (f0, f1, f2) = (TLanes.Factor(rows[0]), TLanes.Factor(rows[1]), TLanes.Factor(rows[2]));
        var last = to - TLanes.Width;
        for (var i = from; ; i = Math.Min(i + TLanes.Width, last))
        {
            TLanes.Store(TLanes.Sum(f0, TLanes.Load(ref at.A, i), f1, TLanes.Load(ref at.B, i), f2, TLanes.Load(ref at.C, i)), ref at.First, i);
            if (i == last)
            {
                return;
            }
        }
    }
}
