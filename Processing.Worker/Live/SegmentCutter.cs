using Processing.Worker.Media;
using Processing.Worker.Media.Boxes;

namespace Processing.Worker.Live;

/// <param name="Start">In the track's timescale, from the generation's beginning; what stands in <paramref name="Content"/> is on the stream's timeline.</param>
/// <param name="Length">In the track's timescale.</param>
internal sealed record CutSegment(TrackInit Init, long Start, long Length, ReadOnlyMemory<byte> Content)
{
    public double StartSeconds => (double)Start / Init.Timescale;

    public double Seconds => (double)Length / Init.Timescale;

    public long StartMilliseconds => Start * 1000 / Init.Timescale;

    /// <summary>Rounded up: what follows must not begin before.</summary>
    public long EndMilliseconds => (((Start + Length) * 1000) + Init.Timescale - 1) / Init.Timescale;
}

/// <summary>
/// Cuts all tracks at the same times: picture at its key frames, which stand there, sound at the frame that begins behind. A set is finished when every
/// track has a sample behind it: nothing of it can come any more.
/// </summary>
internal sealed class SegmentCutter
{
    /// <summary>Segments that a track may be ahead of another: what is beyond has no other side any more.</summary>
    private const int MaxAhead = 30;

    private readonly IReadOnlyList<Track> _tracks;
    private readonly long _segmentTicks;
    private readonly GenerationOrigin _origin;
    private int _next;

    /// <param name="inits">Pictures first, then the sound.</param>
    /// <param name="rate">Of the picture.</param>
    /// <param name="origin">Times go on over generations: ffmpeg's players drop what goes back in time, declared discontinuity or not.</param>
    public SegmentCutter(IReadOnlyList<TrackInit> inits, LiveRate rate, GenerationOrigin origin)
    {
        _origin = origin;
        _segmentTicks = rate.SegmentTicks;
        _tracks = [.. inits.Select(init => new Track(init, IsPicture: init.Codecs.StartsWith("avc1", StringComparison.Ordinal)) { Slack = SlackOf(init, rate) })];
    }

    /// <exception cref="InvalidDataException">The encoder wrote what it was not told to.</exception>
    public void Add(uint track, IReadOnlyList<Sample> samples)
    {
        var to = _tracks.FirstOrDefault(each => each.Init.TrackId == track) ?? throw new InvalidDataException($"There is no track {track}.");
        foreach (var sample in samples)
        {
            var at = sample.Presentation - ((long)LiveArguments.OffsetSeconds * to.Init.Timescale);
            if (at < 0)
                continue; // the audio encoder's first frame: what came before the first sample
            if (to.Waiting.Count > 0 && at <= to.Waiting[^1].Presentation)
                throw new InvalidDataException($"Track {track} goes back in time.");
            to.Waiting.Add(sample with { Presentation = at });
        }

        if (to.Waiting.Count > 0 && IndexOf(to, to.Waiting[^1]) > _next + MaxAhead)
            throw new InvalidDataException($"Track {track} is too far ahead of the others.");
    }

    /// <summary>The next finished set, in the order of the tracks; null where none is.</summary>
    public IReadOnlyList<CutSegment>? Take() => _tracks.All(track => track.Waiting.Count > 0 && IndexOf(track, track.Waiting[^1]) > _next) ? Cut() : null;

    /// <summary>What is left at the end, shorter than the others; null where some track has nothing.</summary>
    public IReadOnlyList<CutSegment>? TakeRest() => _tracks.All(track => track.Waiting.Count > 0 && IndexOf(track, track.Waiting[0]) == _next) ? Cut() : null;

    private List<CutSegment> Cut()
    {
        var cut = _tracks.Select(Cut).ToList();
        _next++;
        return cut;
    }

    private CutSegment Cut(Track track)
    {
        var count = track.Waiting.FindIndex(sample => IndexOf(track, sample) > _next);
        var samples = count < 0 ? track.Waiting[..] : track.Waiting[..count];
        if (samples.Count == 0 || (track.IsPicture && !samples[0].IsSync) || IndexOf(track, samples[0]) != _next)
            throw new InvalidDataException($"Track {track.Init.TrackId} has nothing that segment {_next} can begin with.");
        var end = count < 0 ? samples[^1].Presentation + samples[^1].Duration : track.Waiting[count].Presentation;
        track.Waiting.RemoveRange(0, samples.Count);
        var shift = _origin.In(track.Init.Timescale);
        var placed = samples.ConvertAll(sample => sample with { Presentation = shift + sample.Presentation });
        var (content, _) = SegmentWriter.Write(LiveInit.TrackId, (uint)_next + 1, placed, placed.Select(sample => sample.Presentation).ToArray(), shift + end);
        return new(track.Init, samples[0].Presentation, end - samples[0].Presentation, content);
    }

    /// <summary>The segment that a sample belongs to.</summary>
    private long IndexOf(Track track, Sample sample) => (long)((Int128)(sample.Presentation + track.Slack) * VideoPlan.Timescale / ((Int128)_segmentTicks * track.Init.Timescale));

    /// <summary>Half a frame: where a rate is no whole number of ticks, times are rounded.</summary>
    private static long SlackOf(TrackInit init, LiveRate rate) =>
        init.Codecs.StartsWith("avc1", StringComparison.Ordinal) ? (long)(init.Timescale / rate.PerSecond / 2) : 0;

    private sealed record Track(TrackInit Init, bool IsPicture)
    {
        public long Slack { get; init; }

        public List<Sample> Waiting { get; } = [];
    }
}
