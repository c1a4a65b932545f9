using Processing.Worker.Media.Boxes;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Encoders;

/// <summary>
/// Turns one audio track, as ffmpeg wrote it, into segments on the output clock. The encoder's priming frame, which lies before 0, is left out,
/// so sound stays where it was without an edit list; the cuts lie at the AAC frames nearest to the picture's.
/// </summary>
internal static class AudioSegmenter
{
    private const double MinLastSegmentSeconds = 1;

    /// <param name="originTicks">What is 0 in the output, beside the clock's shift.</param>
    public static async Task<TrackPart> SplitAsync(MediaPlan plan, AudioTrackPlan track, long originTicks, string fragmentedPath, string scratchDir, CancellationToken ct)
    {
        await using var file = OutputFile.OpenRead(fragmentedPath);
        var reader = new FragmentReader(file);
        var init = await reader.ReadInitAsync(ct);
        var initFile = await MediaFile.WriteAsync(scratchDir, $"audio/{track.Name}/init.mp4", init.Content, "video/mp4", ct);
        var segments = new List<SegmentPart>();
        var pending = new List<Sample>();
        var shift = (OutputClock.ShiftTicks + originTicks) * init.Timescale / VideoPlan.Timescale;
        var cuts = Cuts(plan, track, init.Timescale).GetEnumerator();
        cuts.MoveNext();

        while (await reader.ReadFragmentAsync(ct) is { } fragment)
        {
            foreach (var sample in fragment.Select(sample => sample with { Presentation = sample.Presentation - shift }).Where(sample => sample.Presentation >= 0))
            {
                if (pending.Count > 0 && sample.Presentation + (sample.Duration / 2) > cuts.Current)
                {
                    await FlushAsync(sample.Presentation);
                    while (sample.Presentation + (sample.Duration / 2) > cuts.Current)
                        cuts.MoveNext();
                }
                pending.Add(sample);
            }
        }
        if (pending.Count > 0)
            await FlushAsync(pending[^1].Presentation + pending[^1].Duration);
        return segments.Count > 0
            ? new TrackPart(track.Name, init.Codecs, init.Timescale, initFile, segments)
            : throw new MediaUnusableException($"The media is damaged: nothing of audio track {track.Label} could be decoded.");

        async Task FlushAsync(long end)
        {
            var decode = pending.Select(sample => sample.Presentation).ToArray();
            var (content, _) = SegmentWriter.Write(init.TrackId, (uint)segments.Count + 1, pending, decode, end);
            var written = await MediaFile.WriteAsync(scratchDir, $"audio/{track.Name}/{segments.Count:D5}.m4s", content, "video/mp4", ct);
            var maxGap = decode.Append(end).Zip(decode.Skip(1).Append(end), (first, second) => second - first).Max();
            segments.Add(new SegmentPart(written, decode[0], end - decode[0], pending.Count, decode[0], maxGap, 0));
            pending.Clear();
        }
    }

    /// <summary>Where the picture's segments start, then every segment length; none that would leave a last segment of less than a second.</summary>
    private static IEnumerable<long> Cuts(MediaPlan plan, AudioTrackPlan track, int timescale)
    {
        var latest = (long)((track.EndSeconds - MinLastSegmentSeconds) * VideoPlan.Timescale);
        var length = (long)(plan.Settings.SegmentSeconds * VideoPlan.Timescale);
        var video = plan.Video?.Segments.Select(segment => segment.Start).Where(start => start > 0).ToList() ?? [];
        var last = video.LastOrDefault();
        foreach (var cut in video.Concat(Enumerable.Range(1, int.MaxValue).Select(i => last + (i * length))).TakeWhile(cut => cut <= latest))
            yield return cut * timescale / VideoPlan.Timescale;
        yield return long.MaxValue;
    }
}
