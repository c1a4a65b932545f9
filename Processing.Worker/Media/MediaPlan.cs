using System.Text.Json.Serialization;

namespace Processing.Worker.Media;

/// <summary>
/// What a source is and everything that its chunk, audio and finalizing tasks need to know.
/// All tasks of a version share one plan, so their results join exactly. Serializes with <see cref="MediaEngineJson"/>.
/// </summary>
public sealed record MediaPlan
{
    public required MediaSettings Settings { get; init; }

    public required SourceInfo Source { get; init; }

    /// <summary>The source remuxed into Matroska, where its own container has no exact index: chunk and audio tasks read this instead of the source.</summary>
    public MediaFile? Normalized { get; init; }

    /// <summary>The tracks, where the source fits as it is: then there are no chunk and audio tasks.</summary>
    public CopiedTracks? Copied { get; init; }

    /// <summary>The demuxer that chunk and audio tasks force.</summary>
    public required string Demuxer { get; init; }

    /// <summary>Source time that becomes 0 in the output, in ticks of 1/90000 s: where the first track starts.</summary>
    public required long OriginTicks { get; init; }

    /// <summary>From 0 to the end of the longest track.</summary>
    public required double DurationSeconds { get; init; }

    /// <summary>Null for a source without video.</summary>
    public VideoPlan? Video { get; init; }

    /// <summary>The default track first.</summary>
    public required IReadOnlyList<AudioTrackPlan> Audio { get; init; }

    /// <summary>One chunk task each. Empty without video, and where it was copied.</summary>
    public required IReadOnlyList<ChunkPlan> Chunks { get; init; }

    [JsonIgnore]
    public bool NeedsAudioTask => Audio.Count > 0 && Copied is null;
}

/// <summary>What the probe found: kept as the version's probe data.</summary>
/// <param name="Container">ffprobe's format name.</param>
/// <param name="Bytes">Size of the source.</param>
/// <param name="DurationSeconds">As the container declares it; 0 when it does not.</param>
/// <param name="VideoCodec">Null without video.</param>
/// <param name="PixelFormat">Null without video.</param>
/// <param name="Width">Coded width; 0 without video.</param>
/// <param name="Height">Coded height; 0 without video.</param>
/// <param name="Rotation">Degrees clockwise that the picture is turned for display.</param>
/// <param name="AudioCodecs">One for each audio track of the plan.</param>
public sealed record SourceInfo(
    string Container, long Bytes, double DurationSeconds, string? VideoCodec, string? PixelFormat, int Width, int Height, int Rotation,
    IReadOnlyList<string> AudioCodecs);

/// <summary>The picture: what is read and which renditions come out. Times of segments are in ticks of 1/90000 s from the origin.</summary>
public sealed record VideoPlan
{
    public const int Timescale = 90_000;

    /// <summary>Stream index in the file that chunk tasks read.</summary>
    public required int StreamIndex { get; init; }

    /// <summary>Largest sustained frame rate, at most 3 decimals.</summary>
    public required double FrameRate { get; init; }

    /// <summary>Number of frames in all segments.</summary>
    public required int Frames { get; init; }

    /// <summary>Largest distance between two frames of the source, or from the last one to the end, in ticks.</summary>
    public required long MaxFrameGap { get; init; }

    public required PictureFormat Picture { get; init; }

    /// <summary>Best first; never above the source.</summary>
    public required IReadOnlyList<RenditionPlan> Renditions { get; init; }

    public required IReadOnlyList<SegmentPlan> Segments { get; init; }

    /// <summary>Where the picture ends: the end of the last frame, in ticks.</summary>
    public required long EndTicks { get; init; }

    public StoryboardPlan? Storyboard { get; init; }
}

/// <summary>How frames become 8-bit progressive 4:2:0 with square pixels.</summary>
/// <param name="Width">Display width in square pixels, rotated, before scaling.</param>
/// <param name="Height">Display height in square pixels, rotated, before scaling.</param>
/// <param name="Interlaced">Deinterlace, one frame for each frame.</param>
/// <param name="DropRepeated">Frames with the timestamp of the one before are dropped: x264 needs increasing ones.</param>
/// <param name="Conversion">What the colours need.</param>
/// <param name="Colours">Matrix, primaries and transfer of the output, as ffmpeg names them.</param>
public sealed record PictureFormat(
    int Width, int Height, bool Interlaced, bool DropRepeated, ColourConversion Conversion, OutputColours Colours);

/// <summary>How source colours become 8-bit limited-range ones.</summary>
public enum ColourConversion
{
    /// <summary>Limited-range YUV: at most fewer bits.</summary>
    None,

    /// <summary>Full-range YUV to limited range.</summary>
    FullRange,

    /// <summary>RGB to BT.709.</summary>
    Rgb,

    /// <summary>BT.2020 standard dynamic range to BT.709.</summary>
    WideGamut,

    /// <summary>PQ, tone-mapped to BT.709.</summary>
    Pq,

    /// <summary>HLG, tone-mapped to BT.709.</summary>
    Hlg,
}

/// <summary>Colour description that the output carries, in ffmpeg's names.</summary>
public sealed record OutputColours(string Matrix, string Primaries, string Transfer);

/// <param name="Name">The rendition's name in the catalogue: <c>720p</c>.</param>
/// <param name="Width">Even.</param>
/// <param name="Height">Even.</param>
/// <param name="MaxKbps">VBV maximum rate.</param>
/// <param name="Level">H.264 level as x264 takes it: <c>4.0</c>.</param>
public sealed record RenditionPlan(string Name, int Width, int Height, int MaxKbps, string Level);

/// <summary>A segment: the frames from its start to the next one's start.</summary>
/// <param name="Start">First frame, in ticks of 1/90000 s from the origin.</param>
/// <param name="Cut">Source time in microseconds that lies between the frame before and the first frame: robust against rounding in any time base.</param>
/// <param name="Frames">Frames in the segment.</param>
public sealed record SegmentPlan(long Start, long Cut, int Frames);

/// <summary>One chunk task: whole segments, one decode, all renditions.</summary>
/// <param name="Index">Zero-based.</param>
/// <param name="FirstSegment">Index of its first segment.</param>
/// <param name="SegmentCount">Number of segments.</param>
/// <param name="SeekSeconds">Where reading starts, in seconds after the container's start time; null from the beginning of the file.</param>
/// <param name="SafeSeekSeconds">The same for a second try, further back, for a source whose index is less exact than it seems.</param>
/// <param name="Frames">Frames in all its segments.</param>
/// <param name="Cost">Estimated work in millions of pixels: comparable between the chunks of all videos.</param>
/// <param name="TileTicks">Frames for the storyboard, one for each tile, in ticks from the origin; a frame shown for long comes more than once.</param>
/// <param name="PosterTick">The frame that may become the poster, in ticks from the origin; null where none is taken.</param>
public sealed record ChunkPlan(
    int Index, int FirstSegment, int SegmentCount, double? SeekSeconds, double? SafeSeekSeconds, int Frames, double Cost,
    IReadOnlyList<long> TileTicks, long? PosterTick);

/// <summary>Layout of the storyboard.</summary>
public sealed record StoryboardPlan(int Columns, int Rows, int TileWidth, int TileHeight, int Count, double IntervalSeconds);

/// <summary>One audio track of the source and the rendition that it becomes.</summary>
/// <param name="StreamIndex">Stream index in the file that the audio task reads.</param>
/// <param name="Name">The rendition's name in the catalogue: <c>audio-1</c>.</param>
/// <param name="Language">RFC 5646 tag, <c>und</c> where unknown.</param>
/// <param name="Label">What a player shows.</param>
/// <param name="IsDefault">Exactly one track is the default.</param>
/// <param name="Channels">Channels of the rendition, 1 or 2.</param>
/// <param name="SampleRate">Sample rate of the rendition and its timescale.</param>
/// <param name="Kbps">AAC bit rate.</param>
/// <param name="StartSeconds">Where the source's track starts, from the origin; the rendition is silent before.</param>
/// <param name="EndSeconds">Where the source's track ends, from the origin.</param>
public sealed record AudioTrackPlan(
    int StreamIndex, string Name, string Language, string Label, bool IsDefault, int Channels, int SampleRate, int Kbps,
    double StartSeconds, double EndSeconds);
