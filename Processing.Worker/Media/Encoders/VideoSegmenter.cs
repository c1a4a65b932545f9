using Processing.Worker.Media.Boxes;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media.Encoders;

/// <summary>Turns one rendition of a chunk, as ffmpeg wrote it, into segments on the output clock.</summary>
internal static class VideoSegmenter
{
    public static async Task<TrackPart> SplitAsync(
        MediaPlan plan, ChunkPlan chunk, RenditionPlan rendition, string fragmentedPath, string scratchDir, CancellationToken ct)
    {
        await using var file = OutputFile.OpenRead(fragmentedPath);
        var reader = new FragmentReader(file);
        var init = await reader.ReadInitAsync(ct);
        if (init.Timescale != VideoPlan.Timescale)
            throw new InvalidDataException($"The encoder's timescale is {init.Timescale}.");
        var initFile = await MediaFile.WriteAsync(scratchDir, $"video/{rendition.Name}/init-{chunk.Index:D5}.mp4", init.Content, "video/mp4", ct);

        var segments = new List<SegmentPart>();
        for (var i = chunk.FirstSegment; i < chunk.FirstSegment + chunk.SegmentCount; i++)
        {
            var samples = await reader.ReadFragmentAsync(ct) ?? throw Missing(plan, i);
            segments.Add(await WriteAsync(
                plan, i, rendition, init, [.. samples.Select(sample => sample with { Presentation = sample.Presentation - OutputClock.ShiftTicks })], scratchDir, ct));
        }
        return await reader.ReadFragmentAsync(ct) is null
            ? new TrackPart(rendition.Name, init.Codecs, init.Timescale, initFile, segments)
            : throw new InvalidDataException("The encoder made more key frames than were asked for.");
    }

    /// <param name="shown">The segment's samples in decode order, at the output's times.</param>
    public static async Task<SegmentPart> WriteAsync(
        MediaPlan plan, int index, RenditionPlan rendition, TrackInit init, IReadOnlyList<Sample> shown, string scratchDir, CancellationToken ct)
    {
        var start = plan.Video!.Segments[index].Start;
        var end = index + 1 < plan.Video.Segments.Count ? plan.Video.Segments[index + 1].Start : plan.Video.EndTicks;
        var first = shown[0].Presentation;
        if (first < start || shown.Max(sample => sample.Presentation) >= end)
            throw Missing(plan, index);
        if (!shown[0].IsSync)
            throw new InvalidDataException($"Segment {index} does not start with a key frame.");

        var decode = DecodeTimes.Assign([.. shown.Select(sample => sample.Presentation)], start);
        var (content, keyFrameEnd) = SegmentWriter.Write(init.TrackId, (uint)index + 1, shown, decode, end);
        var file = await MediaFile.WriteAsync(scratchDir, $"video/{rendition.Name}/{index:D5}.m4s", content, "video/mp4", ct);
        return new SegmentPart(file, start, end - start, shown.Count, first, MaxGap(shown, end), keyFrameEnd);
    }

    /// <summary>Between neighbours as shown, the last one to the segment's end.</summary>
    private static long MaxGap(IReadOnlyList<Sample> shown, long end)
    {
        var times = shown.Select(sample => sample.Presentation).Order().Append(end).ToArray();
        return times.Zip(times.Skip(1), (first, second) => second - first).Max();
    }

    private static MediaUnusableException Missing(MediaPlan plan, int index) => new(
        $"The media is damaged: no picture could be decoded between {Seconds(plan.Video!.Segments[index].Start)} s and " +
        $"{Seconds(index + 1 < plan.Video.Segments.Count ? plan.Video.Segments[index + 1].Start : plan.Video.EndTicks)} s.");

    private static string Seconds(long ticks) => OutputClock.Seconds(ticks * 100 / 9)[..^4];
}
