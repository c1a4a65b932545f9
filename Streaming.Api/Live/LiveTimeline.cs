using Lifecycle.Contracts.Media;
using Lifecycle.Store.Live;
using Streaming.Api.Segments;

namespace Streaming.Api.Live;

/// <summary>One track of a generation.</summary>
internal sealed record LiveTrack(LiveTrackRow Row, ServedObject Init)
{
    public string Name => Row.Name;
}

/// <summary>What one input connection brought: its own initialization segments and its own timestamps. Between two of them lies a discontinuity.</summary>
/// <param name="Number">In addresses: the version of its segments.</param>
/// <param name="Earlier">How many came before it.</param>
/// <param name="Tracks">Video before audio, the best first.</param>
internal sealed record LiveGeneration(int Number, int Earlier, IReadOnlyList<LiveTrack> Tracks)
{
    /// <summary>
    /// Which track a playlist plays here. Where the generation has none of that name, the best of its kind stands in: behind a
    /// discontinuity everything may be another, and a player that is on a rendition when the input changes must go on.
    /// </summary>
    public int IndexFor(string name, bool isVideo)
    {
        var index = IndexOf(track => track.Name == name);
        return Math.Max(0, index >= 0 ? index : IndexOf(track => track.Row.IsVideo == isVideo));
    }

    /// <summary>-1 where there is none.</summary>
    public int IndexOf(Predicate<LiveTrack> wanted)
    {
        for (var i = 0; i < Tracks.Count; i++)
        {
            if (wanted(Tracks[i]))
            {
                return i;
            }
        }

        return -1;
    }
}

/// <param name="Microseconds">Whole numbers, so that replicas that added them up in another order have the same window.</param>
/// <param name="At">When its first sample was taken.</param>
internal sealed record LiveFile(ServedObject Object, long Microseconds, DateTime At);

/// <summary>One media sequence number: the segments of all tracks.</summary>
/// <param name="Begins">The first of its generation.</param>
/// <param name="Files">By the generation's tracks.</param>
internal sealed record LiveSegment(long Sequence, LiveGeneration Generation, bool Begins, IReadOnlyList<LiveFile> Files)
{
    public long Microseconds { get; } = Files.Max(file => file.Microseconds);
}

/// <summary>
/// The newest segments of a stream, immutable. What the playlists list depends on the last segment and on nothing else: every replica
/// that knows of it lists the same, whenever it began to read. As much again is kept behind the window, for players that are on an
/// older playlist (RFC 8216, 6.2.2); what is older still is asked of the database.
/// </summary>
internal sealed class LiveTimeline
{
    private readonly long _window;
    private readonly LiveStart _start;

    private LiveTimeline(long window, LiveStart start, LiveSegment[] kept, LiveGeneration[] generations)
    {
        (_window, _start, Kept, Generations) = (window, start, kept, generations);
        var first = kept.Length;
        for (long listed = 0; first > 0 && listed < window; first--)
        {
            listed += kept[first - 1].Microseconds;
        }

        Window = kept.AsMemory(first);
    }

    /// <summary>How many windows are kept, the listed one among them.</summary>
    public const int KeptWindows = 2;

    /// <summary>Oldest first.</summary>
    public LiveSegment[] Kept { get; }

    public IReadOnlyList<LiveGeneration> Generations { get; }

    /// <summary>What the playlists list.</summary>
    public ReadOnlyMemory<LiveSegment> Window { get; }

    /// <summary>What a read may leave out: it is here.</summary>
    public LivePosition Position => new(
        Kept is [.., var last] ? last.Sequence : _start.After.Sequence, Generations is [.., var newest] ? newest.Number : _start.After.Generation);

    /// <param name="windowSeconds">Media seconds that a playlist lists, at least, once there are so many.</param>
    /// <param name="start">What lies before the first that will be added.</param>
    public static LiveTimeline Begin(int windowSeconds, LiveStart start) => new(windowSeconds * 1_000_000L, start, [], []);

    /// <exception cref="KeyNotFoundException">A segment without its track: the writer has broken its promise.</exception>
    public LiveTimeline With(IReadOnlyList<LiveSegmentRow> segments, IReadOnlyList<LiveTrackRow> tracks)
    {
        List<LiveGeneration> generations = [.. Generations];
        foreach (var group in tracks.GroupBy(track => track.Generation))
        {
            generations.Add(new(group.Key, (generations is [.., var newest] ? newest.Earlier : _start.EarlierGenerations - 1) + 1, [.. group.Select(Track)]));
        }

        var byNumber = generations.ToDictionary(generation => generation.Number);
        List<LiveSegment> kept = [.. Kept];
        foreach (var group in segments.GroupBy(segment => segment.Sequence))
        {
            var generation = byNumber[group.First().Generation];
            var files = group.ToDictionary(segment => segment.Track, File, StringComparer.Ordinal);
            var begins = kept is [.., var last] ? last.Generation.Number != generation.Number : group.Key == 0;
            kept.Add(new(group.Key, generation, begins, [.. generation.Tracks.Select(track => files[track.Name])]));
        }

        return Trimmed(kept, generations);
    }

    /// <summary>Null where it is not here.</summary>
    public ServedObject? Find(SegmentId id)
    {
        if (id.Index is not { } sequence)
        {
            var generation = Generations.FirstOrDefault(generation => generation.Number == id.Version);
            return generation?.Tracks.FirstOrDefault(track => track.Name == id.Track)?.Init;
        }

        if (Kept is not [var first, ..] || sequence < first.Sequence || sequence - first.Sequence >= Kept.Length)
        {
            return null;
        }

        var segment = Kept[sequence - first.Sequence];
        var index = segment.Generation.IndexOf(track => track.Name == id.Track);
        return index >= 0 && segment.Generation.Number == id.Version ? segment.Files[index].Object : null;
    }

    /// <summary>Whether it would come after all that is here.</summary>
    public bool IsBehind(SegmentId id) => id.Index > Position.Sequence || id.Version > Position.Generation;

    /// <summary>Whether it would come before all that is here.</summary>
    public bool IsBefore(SegmentId id) => Kept is [var first, ..] && (id.Index is { } sequence ? sequence < first.Sequence : id.Version < first.Generation.Number);

    private LiveTimeline Trimmed(List<LiveSegment> kept, List<LiveGeneration> generations)
    {
        var first = kept.Count;
        for (long seconds = 0; first > 0 && seconds < KeptWindows * _window; first--)
        {
            seconds += kept[first - 1].Microseconds;
        }

        kept.RemoveRange(0, first);
        if (kept is [var oldest, ..])
        {
            generations.RemoveAll(generation => generation.Number < oldest.Generation.Number);
        }

        return new(_window, _start, [.. kept], [.. generations]);
    }

    private static LiveTrack Track(LiveTrackRow row) => new(row, new(row.Init, row.Init.ContentType));

    private static LiveFile File(LiveSegmentRow row) => new(new(row.Object, row.Object.ContentType), (long)Math.Round(row.Seconds * 1e6), row.At);
}
