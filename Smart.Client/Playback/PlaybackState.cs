using Smart.Client.Buffering;
using Smart.Client.Downloads;

namespace Smart.Client.Playback;

/// <summary>What the two halves of a playback share: one fills the buffer, one empties it.</summary>
internal sealed class PlaybackState(Timeline timeline, ChunkSpan span, Pace pace, TimeProvider time)
{
    public Timeline Timeline { get; } = timeline;

    public ChunkSpan Span { get; } = span;

    public ChunkBuffer Buffer { get; } = new(timeline, span);

    public Playhead Playhead { get; } = new(time, timeline.StartOf(span.First));

    /// <summary>Second of the video.</summary>
    public double End { get; } = timeline.StartOf(span.End);

    public DownloadCounts Downloads { get; } = new(time);

    /// <summary>A chunk came, a chunk went, somebody paused.</summary>
    public Pulse Changed { get; } = new();

    /// <summary>Seconds of video ahead of the viewer: what waits here, and what the sink has and he has not seen.</summary>
    public double Level => Math.Max(0, Buffer.End - Playhead.Position);

    /// <summary>What needs no room any more. Of an unbounded playback what the sink took: it is not held up to the viewer's time.</summary>
    public double ConsumedTo => pace.IsUnbounded ? Playhead.Limit : Playhead.Position;
}
