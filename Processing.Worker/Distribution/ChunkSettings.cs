using Processing.Worker.Media;
using Processing.Worker.Tasks;
using Storage.Fabric;

namespace Processing.Worker.Distribution;

/// <summary>How a video comes to the chunk store: as it is where its ten seconds fit a chunk, otherwise in one rendition of which they do, whatever is in the picture.</summary>
internal static class ChunkSettings
{
    /// <summary>
    /// A last chunk may last a sixth longer, and the buffer of the rate control may be filled once more: 11.7 s x (1,150 + 128) kbit/s
    /// + 1,150 kbit = 2.01 MB, of 2.10 MB.
    /// </summary>
    private static readonly LadderRung _rung = new(480, 1_150);

    public static MediaSettings Of(WorkerOptions options) => new()
    {
        SegmentSeconds = ChunkLimits.ChunkSeconds,
        CopiedSegmentBytes = ChunkLimits.ChunkBytes,
        ChunkSegments = 2,
        Preset = options.Preset,
        Threads = options.Threads,
        Ladder = [_rung],
        MaxAudioTracks = 1,
        StoryboardTiles = 0,
        PosterCandidates = 0,
    };
}
