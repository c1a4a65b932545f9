using Lifecycle.Contracts.Media;

namespace Processing.Worker.Media;

/// <summary>Joins the results of all tasks into a version's catalogue and checks it. Pure: reads no file.</summary>
public static class MediaFinalizer
{
    /// <summary>The first poster candidate at least this rich in detail, compared with the richest, is taken: JPEG size tells a picture from a black frame.</summary>
    private const double PosterDetail = 0.6;

    /// <param name="plan">The video's plan.</param>
    /// <param name="version">The version that becomes READY.</param>
    /// <param name="chunks">The result of every chunk, in any order.</param>
    /// <param name="audio">Null only where the plan needs no audio task.</param>
    /// <param name="storyboard">The sprite, if any.</param>
    /// <param name="stored">Where a file was stored. Called for the files that the catalogue keeps: not for tiles and the posters not chosen, and for one initialization segment of each track.</param>
    /// <returns>The catalogue and the report; the caller publishes only if the report passed.</returns>
    /// <exception cref="MediaFailureException">A result is missing.</exception>
    public static FinalizedMedia Finalize(
        MediaPlan plan, int version, IReadOnlyCollection<ChunkResult> chunks, AudioResult? audio, StoryboardResult? storyboard,
        Func<MediaFile, StoredObject> stored)
    {
        var ordered = chunks.OrderBy(chunk => chunk.Index).ToList();
        if (!ordered.Select(chunk => chunk.Index).SequenceEqual(plan.Chunks.Select(chunk => chunk.Index)) || (plan.NeedsAudioTask && audio is null))
            throw new MediaFailureException(new MediaFailure(MediaFailureCategory.Unknown, "The results of some tasks are missing.", ""));

        var video = plan.Video is null ? [] : plan.Video.Renditions.Select((rendition, i) => Join([.. ordered.Select(chunk => chunk.Renditions[i])])).ToList();
        var sound = audio?.Tracks ?? [];
        var catalogue = new Catalogue
        {
            Version = version,
            DurationSeconds = video.Concat(sound).Select(SecondsAtEnd).DefaultIfEmpty(0).Max(),
            Video = [.. video.Select((track, i) => Rendition(plan.Video!, i, track, stored))],
            Audio = [.. sound.Select((track, i) => Rendition(plan.Audio[i], track, stored))],
            Poster = ChoosePoster(ordered) is { } poster ? stored(poster) : null,
            Storyboard = storyboard is { } sprite
                ? new Storyboard(
                    stored(sprite.Sprite), sprite.Layout.Columns, sprite.Layout.Rows, sprite.Layout.TileWidth, sprite.Layout.TileHeight,
                    sprite.Layout.Count, sprite.Layout.IntervalSeconds)
                : null,
        };
        return new FinalizedMedia(catalogue, Conformance.Check(plan, ordered, video, sound, catalogue));
    }

    private static TrackPart Join(IReadOnlyList<TrackPart> parts) => parts[0] with { Segments = [.. parts.SelectMany(part => part.Segments)] };

    private static double SecondsAtEnd(TrackPart track) => (double)(track.Segments[^1].Start + track.Segments[^1].Duration) / track.Timescale;

    private static VideoRendition Rendition(VideoPlan plan, int index, TrackPart track, Func<MediaFile, StoredObject> stored) => new()
    {
        Name = track.Name,
        Codecs = track.Codecs,
        Timescale = track.Timescale,
        PeakBandwidth = Peak(track),
        AverageBandwidth = Average(track),
        Init = stored(track.Init),
        Segments = Segments(track, stored),
        Width = plan.Renditions[index].Width,
        Height = plan.Renditions[index].Height,
        FrameRate = plan.FrameRate,
    };

    private static AudioRendition Rendition(AudioTrackPlan plan, TrackPart track, Func<MediaFile, StoredObject> stored) => new()
    {
        Name = track.Name,
        Codecs = track.Codecs,
        Timescale = track.Timescale,
        PeakBandwidth = Peak(track),
        AverageBandwidth = Average(track),
        Init = stored(track.Init),
        Segments = Segments(track, stored),
        Language = plan.Language,
        Label = plan.Label,
        Channels = plan.Channels,
        IsDefault = plan.IsDefault,
    };

    private static IReadOnlyList<Segment> Segments(TrackPart track, Func<MediaFile, StoredObject> stored) =>
        [.. track.Segments.Select(part => new Segment(stored(part.File), part.Start, part.Duration, part.Samples, part.KeyFrameBytes))];

    private static int Peak(TrackPart track) =>
        (int)Math.Ceiling(track.Segments.Max(segment => segment.File.Bytes * 8.0 * track.Timescale / segment.Duration));

    private static int Average(TrackPart track) =>
        (int)Math.Ceiling(track.Segments.Sum(segment => segment.File.Bytes) * 8.0 * track.Timescale / track.Segments.Sum(segment => segment.Duration));

    private static MediaFile? ChoosePoster(List<ChunkResult> chunks)
    {
        var candidates = chunks.Select(chunk => chunk.Poster).OfType<MediaFile>().ToList();
        return candidates.Count == 0 ? null : candidates.First(poster => poster.Bytes >= PosterDetail * candidates.Max(other => other.Bytes));
    }
}
