namespace Processing.Worker.Media;

/// <summary>
/// Everything that decides what the encoders produce. A plan carries the settings that it was made with, so every chunk of a video uses the same,
/// whatever the worker that runs it is configured with: the same source and settings give the same bytes.
/// </summary>
public sealed record MediaSettings
{
    /// <summary>Target length of a segment. Real ones end at a frame and differ by up to a fifth.</summary>
    public double SegmentSeconds { get; init; } = 6;

    /// <summary>Segments in a chunk; the last few chunks of a video have one, so that two workers end together.</summary>
    public int ChunkSegments { get; init; } = 2;

    /// <summary>ffmpeg's name of the video encoder.</summary>
    public string VideoCodec { get; init; } = "libx264";

    /// <summary>Average video bit rate in bit/s; null: constant quality under the rung's maximum.</summary>
    public long? VideoBitrate { get; init; }

    /// <summary>ffmpeg's name of the audio encoder: aac in segments, or libopus whole.</summary>
    public string AudioCodec { get; init; } = "aac";

    /// <summary>A source whose segments fit into so many bytes as they are is copied instead of encoded; 0: everything is encoded.</summary>
    public int CopiedSegmentBytes { get; init; }

    /// <summary>Chunks, from the first on, that make a candidate for the poster.</summary>
    public int PosterCandidates { get; init; } = 4;

    /// <summary>x264's preset, or its place in the other encoders' scales.</summary>
    public string Preset { get; init; } = "veryfast";

    /// <summary>x264 constant rate factor; each rung's maximum rate caps it.</summary>
    public double Crf { get; init; } = 22;

    /// <summary>Threads of each encoder and of the decoder. Part of the result: x264 gives other bytes with another count.</summary>
    public int Threads { get; init; } = 1;

    /// <summary>Candidate rungs, best first.</summary>
    public IReadOnlyList<LadderRung> Ladder { get; init; } = LadderRung.Default;

    /// <summary>AAC bit rate for two channels; one channel gets half.</summary>
    public int AudioKbps { get; init; } = 128;

    /// <summary>Tiles in a storyboard at most.</summary>
    public int StoryboardTiles { get; init; } = 100;

    /// <summary>Width and height limit of a tile.</summary>
    public int TileSize { get; init; } = 160;

    public double MaxDurationSeconds { get; init; } = 12 * 3600;

    /// <summary>Pictures in the source: the longest video at 120 a second. Each one's time is kept in memory while the plan is made.</summary>
    public int MaxFrames { get; init; } = 12 * 3600 * 120;

    /// <summary>Longer side of the source, in pixels.</summary>
    public int MaxSide { get; init; } = 8192;

    /// <summary>Streams in the container, of all kinds.</summary>
    public int MaxStreams { get; init; } = 64;

    /// <summary>Audio tracks that become renditions; further ones are left out.</summary>
    public int MaxAudioTracks { get; init; } = 8;

    /// <summary>A process that reports no progress for so long is killed.</summary>
    public double StallTimeoutSeconds { get; init; } = 120;

    /// <summary>A process is killed after this time, whatever it does.</summary>
    public double TaskTimeoutSeconds { get; init; } = 3600;
}

/// <summary>One rung of the ladder.</summary>
/// <param name="ShortSide">The shorter side of the picture in pixels, so that portrait video gets the same rungs.</param>
/// <param name="MaxKbps">VBV maximum rate. Adjacent rungs are 1.5-2 times apart.</param>
public sealed record LadderRung(int ShortSide, int MaxKbps)
{
    public static IReadOnlyList<LadderRung> Default { get; } =
        [new(2160, 16_000), new(1440, 9_000), new(1080, 5_000), new(720, 2_800), new(480, 1_500), new(360, 850), new(240, 450)];

    /// <summary>The default's rungs of these shorter sides; all of them where none is named.</summary>
    public static IReadOnlyList<LadderRung> Of(ICollection<int> shortSides) => shortSides.Count == 0 ? Default : [.. Default.Where(rung => shortSides.Contains(rung.ShortSide))];
}
