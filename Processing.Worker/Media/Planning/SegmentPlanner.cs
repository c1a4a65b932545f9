namespace Processing.Worker.Media.Planning;

/// <summary>Cuts the frames into segments of about the target length, each starting at a real frame.</summary>
internal static class SegmentPlanner
{
    /// <summary>A rest shorter than this part of a segment joins the one before.</summary>
    private const double MinLastPart = 1.0 / 6;

    public static IReadOnlyList<SegmentPlan> Plan(FrameTimes frames, long originTicks, double segmentSeconds)
    {
        var starts = new List<int> { 0 };
        foreach (var nominal in Nominals(frames, segmentSeconds))
        {
            var next = Nearest(frames.Ticks, nominal);
            if (next > starts[^1])
                starts.Add(next);
        }

        return [.. starts.Select((first, i) => new SegmentPlan(
            frames.Ticks[first] - originTicks, frames.CutBefore(first), (i + 1 < starts.Count ? starts[i + 1] : frames.Count) - first))];
    }

    /// <summary>Where each segment but the first would begin, were there a frame: source ticks.</summary>
    public static IEnumerable<long> Nominals(FrameTimes frames, double segmentSeconds)
    {
        var length = (long)Math.Round(segmentSeconds * VideoPlan.Timescale);
        for (var nominal = frames.Ticks[0] + length; nominal + (length * MinLastPart) <= frames.End; nominal += length)
            yield return nominal;
    }

    private static int Nearest(long[] ticks, long time)
    {
        var found = Array.BinarySearch(ticks, time);
        if (found >= 0)
            return found;
        var after = ~found;
        if (after == ticks.Length)
            return after - 1;
        return after > 0 && time - ticks[after - 1] < ticks[after] - time ? after - 1 : after;
    }
}
