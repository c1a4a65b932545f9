using System.Globalization;
using Lifecycle.Contracts.Media;

namespace Processing.Worker.Media;

/// <summary>The checks of a version before READY, from what was read back from the written boxes. Stored sizes and checksums are the caller's check.</summary>
internal static class Conformance
{
    private const double MaxTrackEndDifferenceSeconds = 0.1;
    private const double MaxGapSeconds = 0.001;

    public static ConformanceReport Check(
        MediaPlan plan, IReadOnlyList<ChunkResult> chunks, IReadOnlyList<TrackPart> video, IReadOnlyList<TrackPart> audio, Catalogue catalogue)
    {
        List<TrackPart> tracks = [.. video, .. audio];
        List<ConformanceCheck> checks =
        [
            Check("segments-continue", tracks, Continues),
            Check("no-gaps", tracks, track => Gaps(plan, chunks, track)),
            Check("start-with-key-frame", video, track => track.Segments.All(part => part.KeyFrameBytes > 0) ? null : "a segment starts without one"),
            Check("same-boundaries", video, track => SameBoundaries(track, video[0])),
            Check("frame-count", video, track => FrameCount(plan, chunks, track)) with { Detail = FrameDetail(plan, chunks) },
            Check("codecs", tracks, track => track.Codecs.StartsWith(video.Contains(track) ? "avc1." : "mp4a.40.2", StringComparison.Ordinal) ? null : track.Codecs),
            Check("durations", tracks, track => track.Segments.All(part => part.Duration > 0) ? null : "a segment lasts no time"),
            Check("track-ends", tracks, track => TrackEnd(plan, track)),
            Init(plan, chunks),
            new("bandwidth", catalogue.Video.Concat<Track>(catalogue.Audio).All(track => track.PeakBandwidth >= track.AverageBandwidth && track.AverageBandwidth > 0),
                string.Join(", ", catalogue.Video.Concat<Track>(catalogue.Audio).Select(track =>
                    $"{track.Name}: peak {track.PeakBandwidth}, average {track.AverageBandwidth} bit/s"))),
            new("no-upscaling", catalogue.Video.All(rendition => rendition.Width <= Math.Max(2, plan.Video!.Picture.Width) && rendition.Height <= Math.Max(2, plan.Video.Picture.Height)),
                string.Join(", ", catalogue.Video.Select(rendition => $"{rendition.Width}x{rendition.Height}"))),
        ];
        return new ConformanceReport(checks);
    }

    private static ConformanceCheck Check(string name, IReadOnlyList<TrackPart> tracks, Func<TrackPart, string?> fault)
    {
        var faults = tracks.Select(track => (track.Name, Fault: fault(track))).Where(found => found.Fault is not null).ToList();
        return new ConformanceCheck(
            name, faults.Count == 0, faults.Count == 0 ? $"{tracks.Count} tracks" : string.Join("; ", faults.Select(found => $"{found.Name}: {found.Fault}")));
    }

    /// <summary>Each segment starts exactly where the one before ended.</summary>
    private static string? Continues(TrackPart track)
    {
        for (var i = 1; i < track.Segments.Count; i++)
        {
            var expected = track.Segments[i - 1].Start + track.Segments[i - 1].Duration;
            if (track.Segments[i].Start != expected)
                return $"segment {i} starts at {track.Segments[i].Start}, not at {expected}";
        }
        return null;
    }

    /// <summary>No distance between two frames is larger than the source's largest; damage in the source is the source's.</summary>
    private static string? Gaps(MediaPlan plan, IReadOnlyList<ChunkResult> chunks, TrackPart track)
    {
        if (Audio(plan, track) is not null)
        {
            var longest = track.Segments.Max(part => part.MaxGap);
            return longest <= 1024 + (MaxGapSeconds * track.Timescale) ? null : $"a sample lasts {longest} ticks";
        }
        var largest = track.Segments.Max(part => Math.Max(part.MaxGap, part.FirstPresented - part.Start));
        return largest <= plan.Video!.MaxFrameGap + (MaxGapSeconds * VideoPlan.Timescale) || IsDamaged(plan, chunks)
            ? null
            : $"a gap of {Seconds(largest)} s, the source's largest is {Seconds(plan.Video.MaxFrameGap)} s";
    }

    private static string? SameBoundaries(TrackPart track, TrackPart first) =>
        track.Segments.Select(part => (part.Start, part.Duration, part.Samples, part.FirstPresented))
            .SequenceEqual(first.Segments.Select(part => (part.Start, part.Duration, part.Samples, part.FirstPresented)))
            ? null
            : $"differs from {first.Name}";

    private static string? FrameCount(MediaPlan plan, IReadOnlyList<ChunkResult> chunks, TrackPart track)
    {
        var frames = track.Segments.Sum(part => part.Samples);
        return frames == plan.Video!.Frames || IsDamaged(plan, chunks) ? null : $"{frames} frames, the source has {plan.Video.Frames}";
    }

    private static string FrameDetail(MediaPlan plan, IReadOnlyList<ChunkResult> chunks) =>
        $"{chunks.Sum(chunk => chunk.Frames)} of {plan.Video?.Frames ?? 0} frames" + (IsDamaged(plan, chunks) ? "; the source is damaged" : "");

    /// <summary>The decoder gave fewer frames than the container holds, also when read from far back.</summary>
    private static bool IsDamaged(MediaPlan plan, IReadOnlyList<ChunkResult> chunks) =>
        chunks.Any(chunk => chunk.Frames != plan.Chunks[chunk.Index].Frames);

    /// <summary>Picture and sound end as far apart as in the source.</summary>
    private static string? TrackEnd(MediaPlan plan, TrackPart track)
    {
        var end = (double)(track.Segments[^1].Start + track.Segments[^1].Duration) / track.Timescale;
        var expected = Audio(plan, track)?.EndSeconds ?? (double)plan.Video!.EndTicks / VideoPlan.Timescale;
        return Math.Abs(end - expected) <= MaxTrackEndDifferenceSeconds
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"ends at {end:0.000} s, the source's at {expected:0.000} s");
    }

    private static ConformanceCheck Init(MediaPlan plan, IReadOnlyList<ChunkResult> chunks)
    {
        var different = plan.Video?.Renditions.Where((_, i) => chunks.Select(chunk => chunk.Renditions[i].Init.Sha256).Distinct(StringComparer.Ordinal).Count() != 1)
            .Select(rendition => rendition.Name).ToList() ?? [];
        return new ConformanceCheck("same-init", different.Count == 0, different.Count == 0 ? $"{chunks.Count} chunks" : string.Join(", ", different));
    }

    private static AudioTrackPlan? Audio(MediaPlan plan, TrackPart track) => plan.Audio.FirstOrDefault(audio => audio.Name == track.Name);

    private static string Seconds(long ticks) => ((double)ticks / VideoPlan.Timescale).ToString("0.000", CultureInfo.InvariantCulture);
}
