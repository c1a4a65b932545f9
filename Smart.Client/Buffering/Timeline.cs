using Storage.Fabric;
using Storage.Fabric.Chunks;

namespace Smart.Client.Buffering;

/// <summary>When each chunk of a video is on the screen. All are ten seconds long but the last, which has what is left of the video.</summary>
public sealed class Timeline
{
    /// <summary>More than a day; a manifest with more is refused.</summary>
    public const int MostChunks = 10_000;

    private readonly double _last;

    public Timeline(ChunkManifest manifest)
    {
        Count = manifest.Chunks.Count;
        var rest = manifest.DurationSeconds - (ChunkLimits.ChunkSeconds * (Count - 1));
        _last = rest is > 0 and <= ChunkLimits.ChunkSeconds ? rest : ChunkLimits.ChunkSeconds;
    }

    /// <summary>Of chunks.</summary>
    public int Count { get; }

    public double Duration => StartOf(Count);

    /// <param name="index">From 0; the count itself is the end of the video.</param>
    public double StartOf(int index) => index < Count ? (double)ChunkLimits.ChunkSeconds * index : Count == 0 ? 0 : (ChunkLimits.ChunkSeconds * (Count - 1)) + _last;

    public double DurationOf(int index) => StartOf(index + 1) - StartOf(index);

    /// <summary>How many chunks end at or before the position.</summary>
    public int PlayedAt(double position) => position >= Duration ? Count : Math.Max(0, (int)(position / ChunkLimits.ChunkSeconds));
}
