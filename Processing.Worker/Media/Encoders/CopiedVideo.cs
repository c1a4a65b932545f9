using Processing.Worker.Media.Boxes;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Media.Planning;

namespace Processing.Worker.Media.Encoders;

/// <summary>Turns a copied picture into the plan's segments, and looks at every sample: what an index cannot tell is seen here, before anything rests on it.</summary>
internal static class CopiedVideo
{
    /// <summary>Every chunk begins with it. Parameter sets take a few dozen bytes.</summary>
    private const int MostInitBytes = 4096;

    /// <exception cref="InvalidDataException">It cannot be cut as planned: a segment without an IDR picture at its start, a picture too many or at another time, parameters that change.</exception>
    public static async Task<ChunkResult> SplitAsync(MediaPlan plan, FrameTimes frames, string fragmentedPath, string scratchDir, CancellationToken ct)
    {
        await using var file = OutputFile.OpenRead(fragmentedPath);
        var reader = new FragmentReader(file);
        var init = await reader.ReadInitAsync(ct);
        var configuration = AvcConfiguration.Parse(init);
        if (init.Timescale != VideoPlan.Timescale || init.Content.Length > MostInitBytes)
            throw new InvalidDataException("The copy's initialization segment is not what was asked for.");

        var rendition = plan.Video!.Renditions[0];
        var initFile = await MediaFile.WriteAsync(scratchDir, $"video/{rendition.Name}/init.mp4", init.Content, "video/mp4", ct);
        var segments = new List<SegmentPart>();
        var firstFrame = 0;
        foreach (var (i, segment) in plan.Video.Segments.Index())
        {
            var samples = await ReadAsync(reader, configuration, plan, segment, ct);
            if (!samples.Select(sample => sample.Presentation + plan.OriginTicks).Order().SequenceEqual(frames.Ticks.Skip(firstFrame).Take(segment.Frames)))
                throw new InvalidDataException($"The copy's pictures of segment {i} have other times than the source's.");
            segments.Add(await VideoSegmenter.WriteAsync(plan, i, rendition, init, samples, scratchDir, ct));
            firstFrame += segment.Frames;
        }
        return await reader.ReadFragmentAsync(ct) is null
            ? new ChunkResult { Index = 0, Renditions = [new(rendition.Name, init.Codecs, init.Timescale, initFile, segments)], Frames = firstFrame, DecoderMessages = "" }
            : throw new InvalidDataException("The copy has more pictures than the source.");
    }

    /// <summary>Only the first is said to be a sync sample, as in what is encoded.</summary>
    private static async Task<List<Sample>> ReadAsync(FragmentReader reader, AvcConfiguration configuration, MediaPlan plan, SegmentPlan segment, CancellationToken ct)
    {
        var samples = new List<Sample>(segment.Frames);
        while (samples.Count < segment.Frames)
        {
            foreach (var sample in await reader.ReadFragmentAsync(ct) ?? throw new InvalidDataException("The copy has fewer pictures than the source."))
            {
                if (!configuration.IsIdr(sample.Data.Span) && samples.Count == 0)
                    throw new InvalidDataException("A segment begins with a picture that is no IDR.");
                samples.Add(sample with { Presentation = sample.Presentation - OutputClock.ShiftTicks - plan.OriginTicks, IsSync = samples.Count == 0 });
            }
        }
        return samples.Count == segment.Frames ? samples : throw new InvalidDataException("The copy has no key frame where the source has one.");
    }
}
