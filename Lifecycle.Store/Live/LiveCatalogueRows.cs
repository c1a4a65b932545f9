using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Media;

namespace Lifecycle.Store.Live;

/// <summary>How far a reader of a stream has come.</summary>
/// <param name="Sequence">The last segment's that it has.</param>
/// <param name="Generation">The last whose tracks it has.</param>
public sealed record LivePosition(long Sequence, int Generation)
{
    public static LivePosition Nothing { get; } = new(-1, -1);
}

/// <summary>Where a reader begins that does not want all of a stream.</summary>
/// <param name="After">What lies before it.</param>
/// <param name="EarlierGenerations">How many generations ended before it: discontinuities that the reader never sees.</param>
public sealed record LiveStart(LivePosition After, int EarlierGenerations)
{
    public static LiveStart Beginning { get; } = new(LivePosition.Nothing, 0);
}

/// <summary>A stream as its viewers need it.</summary>
/// <param name="IsOpen">The workflow has said who may watch.</param>
/// <param name="Entitlement">What a viewer must show; null: nothing.</param>
/// <param name="HasEnded">No segment follows: nobody holds a lease, nobody can take one.</param>
/// <param name="IsSwept">Its segments are gone.</param>
/// <param name="IsRecorded">The recording is a READY video.</param>
public sealed record LiveStreamRow(StreamStatus Status, bool IsOpen, string? Entitlement, Guid VideoId, bool HasEnded, bool IsSwept, bool IsRecorded);

/// <param name="Bandwidth">The most that its encoder may take, in bit/s.</param>
/// <param name="Init">What a player loads before the generation's segments.</param>
public sealed record LiveTrackRow(
    int Generation, string Name, bool IsVideo, StoredObject Init, string Codecs, int Bandwidth, int? Width, int? Height, double? FrameRate);

/// <param name="At">When its first sample was taken, by the encoder's clock.</param>
public sealed record LiveSegmentRow(long Sequence, string Track, int Generation, StoredObject Object, double Seconds, DateTime At);

/// <summary>What one read found.</summary>
/// <param name="Segments">By sequence; of each, all tracks.</param>
/// <param name="Tracks">By generation; video before audio, the best first.</param>
public sealed record LiveChanges(LiveStreamRow Stream, IReadOnlyList<LiveSegmentRow> Segments, IReadOnlyList<LiveTrackRow> Tracks);
