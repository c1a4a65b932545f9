using System.Text.Json.Serialization;

namespace Lifecycle.Contracts.Media;

/// <summary>
/// What one READY version of a video consists of: every object, its size, its checksum and its measured properties.
/// Written once by the finalizing task, committed with the transition to READY, immutable from then on;
/// playlists are rendered from it and from nothing else.
/// </summary>
public sealed record Catalogue
{
    /// <summary>The version that this catalogue describes; starts at 1 and grows with each re-encoding.</summary>
    public required int Version { get; init; }

    /// <summary>Presentation duration in seconds: the sum of the segment durations of the longest rendition.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>Best first. Empty for a source without video.</summary>
    public required IReadOnlyList<VideoRendition> Video { get; init; }

    /// <summary>The default track first. Empty for a source without audio.</summary>
    public required IReadOnlyList<AudioRendition> Audio { get; init; }

    public StoredObject? Poster { get; init; }

    public Storyboard? Storyboard { get; init; }
}

/// <summary>One object in the store: where it is and what it must be.</summary>
/// <param name="Key">The full object key; it carries the token of the lease that wrote it.</param>
/// <param name="Bytes">Size in bytes.</param>
/// <param name="Sha256">Lower-case hexadecimal SHA-256 of the content.</param>
/// <param name="ContentType">The media type that the object is served with.</param>
public sealed record StoredObject(string Key, long Bytes, string Sha256, string ContentType);

/// <summary>One CMAF segment: a moof box and its mdat, which starts with a sync sample.</summary>
/// <param name="Object">Where it is stored.</param>
/// <param name="Start">Decode time of the first sample (tfdt), in the track's timescale.</param>
/// <param name="Duration">Sum of the sample durations, in the track's timescale.</param>
/// <param name="Samples">Number of samples (video frames or audio access units).</param>
/// <param name="KeyFrameBytes">Bytes from the start of the segment to the end of its first sample: the range of an I-frame playlist. 0 for audio.</param>
public sealed record Segment(StoredObject Object, long Start, long Duration, int Samples, long KeyFrameBytes);

/// <summary>What every track has. The name is unique in a catalogue and appears in URIs: lower-case letters, digits and hyphens.</summary>
public abstract record Track
{
    public required string Name { get; init; }

    /// <summary>RFC 6381 codec string, read from the initialization segment.</summary>
    public required string Codecs { get; init; }

    /// <summary>Ticks in a second, as in the track's mdhd box.</summary>
    public required int Timescale { get; init; }

    /// <summary>Measured peak segment bit rate: the largest of bytes x 8 / duration over all segments, in bit/s.</summary>
    public required int PeakBandwidth { get; init; }

    /// <summary>Measured average bit rate over all segments, in bit/s.</summary>
    public required int AverageBandwidth { get; init; }

    public required StoredObject Init { get; init; }

    public required IReadOnlyList<Segment> Segments { get; init; }

    /// <summary>The segment's duration in seconds, as an EXTINF states it.</summary>
    public double SecondsOf(Segment segment) => (double)segment.Duration / Timescale;
}

/// <summary>One rung of the ladder. The name is its height with a p: <c>720p</c>.</summary>
public sealed record VideoRendition : Track
{
    public required int Width { get; init; }

    public required int Height { get; init; }

    /// <summary>Frames per second, the largest sustained rate for a variable one; at most 3 decimals.</summary>
    public required double FrameRate { get; init; }
}

/// <summary>One audio track of the source, encoded once.</summary>
public sealed record AudioRendition : Track
{
    /// <summary>RFC 5646 tag, <c>und</c> where the source names none.</summary>
    public required string Language { get; init; }

    /// <summary>What a player shows in its menu.</summary>
    public required string Label { get; init; }

    public required int Channels { get; init; }

    public required bool IsDefault { get; init; }
}

/// <summary>Preview images: one sprite and the WebVTT file that maps times to its tiles.</summary>
/// <param name="Sprite">The JPEG sprite.</param>
/// <param name="Columns">Tiles in a row.</param>
/// <param name="Rows">Rows of tiles.</param>
/// <param name="TileWidth">Width of a tile in pixels.</param>
/// <param name="TileHeight">Height of a tile in pixels.</param>
/// <param name="Count">Tiles in use.</param>
/// <param name="IntervalSeconds">Seconds that a tile stands for.</param>
public sealed record Storyboard(StoredObject Sprite, int Columns, int Rows, int TileWidth, int TileHeight, int Count, double IntervalSeconds);

/// <summary>One check that a version passed (or failed) before READY: packaging.md's list as run.</summary>
public sealed record ConformanceCheck(string Name, bool Passed, string Detail);

/// <summary>All checks of a version; served as the video's conformance report.</summary>
public sealed record ConformanceReport(IReadOnlyList<ConformanceCheck> Checks)
{
    [JsonIgnore]
    public bool Passed => Checks.All(check => check.Passed);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Catalogue))]
[JsonSerializable(typeof(ConformanceReport))]
public sealed partial class MediaJson : JsonSerializerContext;
