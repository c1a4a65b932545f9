namespace Processing.Worker.Media.Planning;

/// <summary>Presentation times of all frames of the picture, in ticks of 1/90000 s of source time.</summary>
/// <param name="Ticks">Strictly increasing.</param>
/// <param name="End">Where the last frame ends.</param>
/// <param name="Repeated">Frames that had the time of another one.</param>
internal sealed record FrameTimes(long[] Ticks, long End, int Repeated)
{
    private const int Second = VideoPlan.Timescale;

    /// <summary>Containers that count milliseconds let distances jitter by one.</summary>
    private const int JitterTicks = 2 * Second / 1000;

    /// <summary>A rate counts as even when this part of the distances is equal: joined recordings have a few odd ones.</summary>
    private const double EvenPart = 0.95;

    private static readonly double[] CommonRates =
        [12, 15, 24_000 / 1001.0, 24, 25, 30_000 / 1001.0, 30, 48_000 / 1001.0, 48, 50, 60_000 / 1001.0, 60, 100, 120_000 / 1001.0, 120];

    public int Count => Ticks.Length;

    public static FrameTimes? From(StreamTimes times)
    {
        if (times.Count == 0)
            return null;
        var sorted = times.Kept.OrderBy(frame => frame.Start).ToArray();
        var distinct = sorted.Select(frame => frame.Start).Distinct().ToArray();
        var typical = Typical(distinct);
        var last = sorted[^1].Duration;

        // A last frame without a length, or with one that only fills up the container's, lasts as long as the others.
        if (last <= 0 || last > Math.Max(10 * typical, Second))
            last = typical;
        return new FrameTimes(distinct, distinct[^1] + last, sorted.Length - distinct.Length);
    }

    /// <summary>Largest distance between two frames, or from the last one to the end.</summary>
    public long MaxGap => Ticks.Zip(Ticks.Skip(1).Append(End), (first, second) => second - first).Max();

    /// <summary>Frames per second with at most three decimals: the average of an even rate, the busiest second of a variable one.</summary>
    public double Rate()
    {
        if (Ticks.Length < 2)
            return Snap((double)Second / Math.Max(1, End - Ticks[0]));
        var gaps = Ticks.Zip(Ticks.Skip(1), (first, second) => second - first).ToArray();
        var typical = gaps.Order().ElementAt(gaps.Length / 2);
        var even = gaps.Where(gap => Math.Abs(gap - typical) <= JitterTicks / 2).ToArray();
        if (even.Length >= EvenPart * gaps.Length)
            return Snap(Second / even.Average());

        var busiest = 0;
        for (int first = 0, next = 0; first < Ticks.Length; first++)
        {
            while (next < Ticks.Length && Ticks[next] < Ticks[first] + Second - (JitterTicks / 2))
                next++;
            busiest = Math.Max(busiest, next - first);
        }
        var window = Math.Min(Second, End - Ticks[0]);
        return Snap(busiest * (double)Second / window);
    }

    /// <summary>Source time in microseconds halfway between a frame and the one before: tells them apart in any time base.</summary>
    public long CutBefore(int frame)
    {
        var before = frame == 0 ? Ticks[0] - Second : Ticks[frame - 1];
        return (Ticks[frame] + before) * 500_000 / Second;
    }

    private static double Snap(double rate)
    {
        var nearest = CommonRates.MinBy(common => Math.Abs(common - rate));
        return Math.Round(Math.Clamp(Math.Abs(nearest - rate) < nearest * 0.002 ? nearest : rate, 0.001, 1000), 3);
    }

    private static long Typical(long[] ticks)
    {
        if (ticks.Length < 2)
            return Second / 25;
        var gaps = ticks.Zip(ticks.Skip(1), (first, second) => second - first).Order().ToArray();
        return gaps[gaps.Length / 2];
    }
}
