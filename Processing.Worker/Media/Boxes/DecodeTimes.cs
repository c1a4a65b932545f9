namespace Processing.Worker.Media.Boxes;

/// <summary>
/// Decode times for the samples of one closed group of pictures.
/// <para>
/// B-frames are decoded before they are shown, so decode times must run ahead of presentation. The usual ways out shift something:
/// a constant delay (video starts late against audio), an edit list (players disagree), negative composition offsets (ffmpeg's demuxer
/// shifts every timestamp by the largest one it has seen). Here nothing shifts: the first sample is decoded when it is shown, the next few follow
/// closer than a frame until the decoder is ahead, and the last one lasts until the next segment starts. So tfdt is the presentation start,
/// composition offsets are never negative, and the durations add up to the segment's.
/// </para>
/// </summary>
internal static class DecodeTimes
{
    /// <param name="presentation">Presentation times in decode order, all different, the earliest first.</param>
    /// <param name="start">Decode time of the first sample, at most its presentation time.</param>
    /// <returns>Strictly increasing, each at most the sample's presentation time.</returns>
    public static long[] Assign(ReadOnlySpan<long> presentation, long start)
    {
        var count = presentation.Length;
        var sorted = presentation.ToArray();
        Array.Sort(sorted);

        // How far the n-th decoded sample must be ahead of the n-th shown one.
        var delay = 0L;
        for (var i = 0; i < count; i++)
            delay = Math.Max(delay, sorted[i] - presentation[i]);

        var latest = new long[count];
        for (var i = count - 1; i >= 0; i--)
            latest[i] = i == count - 1 ? presentation[i] : Math.Min(presentation[i], latest[i + 1] - 1);

        var ramp = 1;
        while (ramp < count && sorted[ramp] - delay - start < ramp)
            ramp++;

        var decode = new long[count];
        for (var i = 0; i < count; i++)
        {
            var wanted = i >= ramp ? sorted[i] - delay : ramp == count ? start + i : start + (i * (sorted[ramp] - delay - start) / ramp);
            decode[i] = i == 0 ? start : Math.Max(decode[i - 1] + 1, Math.Min(wanted, latest[i]));
        }
        return decode;
    }
}
