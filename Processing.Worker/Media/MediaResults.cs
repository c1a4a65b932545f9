using System.Text.Json.Serialization;
using Lifecycle.Contracts.Media;

namespace Processing.Worker.Media;

/// <summary>What one chunk task made.</summary>
public sealed record ChunkResult
{
    public required int Index { get; init; }

    /// <summary>In the plan's order.</summary>
    public required IReadOnlyList<TrackPart> Renditions { get; init; }

    /// <summary>The storyboard frames of this chunk: JPEG images one after the other.</summary>
    public MediaFile? Tiles { get; init; }

    public MediaFile? Poster { get; init; }

    /// <summary>Frames decoded and encoded; below the plan's count only for a damaged source.</summary>
    public required int Frames { get; init; }

    /// <summary>What the decoder complained about; empty for a sound source.</summary>
    public required string DecoderMessages { get; init; }

    /// <summary>Every file to upload.</summary>
    [JsonIgnore]
    public IEnumerable<MediaFile> Files =>
        Renditions.SelectMany(part => part.Files).Concat(new[] { Tiles, Poster }.OfType<MediaFile>());
}

/// <summary>What the audio task made: all audio renditions, whole.</summary>
public sealed record AudioResult
{
    /// <summary>In the plan's order. Empty where the plan's audio codec is not cut into segments.</summary>
    public required IReadOnlyList<TrackPart> Tracks { get; init; }

    /// <summary>Whole tracks in the plan's order, on the encoders' clock (see OutputClock); empty where there are segments.</summary>
    public IReadOnlyList<MediaFile> Whole { get; init; } = [];

    /// <summary>Every file to upload.</summary>
    [JsonIgnore]
    public IEnumerable<MediaFile> Files => Tracks.SelectMany(part => part.Files).Concat(Whole);
}

/// <summary>A run of segments of one track, with the initialization segment that its task wrote.</summary>
/// <param name="Name">The track's name in the catalogue.</param>
/// <param name="Codecs">RFC 6381, read from the initialization segment.</param>
/// <param name="Timescale">From the initialization segment.</param>
/// <param name="Init">The initialization segment; the bytes are equal in all chunks.</param>
/// <param name="Segments">In order.</param>
public sealed record TrackPart(string Name, string Codecs, int Timescale, MediaFile Init, IReadOnlyList<SegmentPart> Segments)
{
    [JsonIgnore]
    public IEnumerable<MediaFile> Files => Segments.Select(segment => segment.File).Prepend(Init);
}

/// <summary>One segment as written and read back from its boxes.</summary>
/// <param name="File">The segment.</param>
/// <param name="Start">tfdt, in the track's timescale.</param>
/// <param name="Duration">Sum of the sample durations.</param>
/// <param name="Samples">Number of samples.</param>
/// <param name="FirstPresented">Presentation time of the earliest sample.</param>
/// <param name="MaxGap">Largest distance between two neighbours in presentation order, in the track's timescale.</param>
/// <param name="KeyFrameBytes">Bytes up to the end of the first sample, which is a sync sample; 0 for audio.</param>
public sealed record SegmentPart(MediaFile File, long Start, long Duration, int Samples, long FirstPresented, long MaxGap, long KeyFrameBytes);

/// <summary>The storyboard sprite that the finalizing task made.</summary>
public sealed record StoryboardResult(MediaFile Sprite, StoryboardPlan Layout);

/// <summary>What the finalizing task commits.</summary>
public sealed record FinalizedMedia(Catalogue Catalogue, ConformanceReport Report);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MediaPlan))]
[JsonSerializable(typeof(ChunkResult))]
[JsonSerializable(typeof(AudioResult))]
[JsonSerializable(typeof(StoryboardResult))]
public sealed partial class MediaEngineJson : JsonSerializerContext;
