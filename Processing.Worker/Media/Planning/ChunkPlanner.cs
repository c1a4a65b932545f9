using Processing.Worker.Media.Encoders;

namespace Processing.Worker.Media.Planning;

/// <summary>Groups segments into chunk tasks.</summary>
internal static class ChunkPlanner
{
    /// <summary>The last segments are chunks of their own, so that the workers end at nearly the same time.</summary>
    private const int SingleSegments = 4;

    /// <summary>Packaging by chunks was tried with reading from one second before: the demuxer then lands on a keyframe before the first frame.</summary>
    private const double SeekMarginSeconds = 1;

    private const double SafeSeekMarginSeconds = 30;

    /// <summary>A decoded pixel's share of the work of an encoded one, measured with veryfast.</summary>
    private const double DecodeWeight = 0.2;

    /// <param name="video">The plan with its segments.</param>
    /// <param name="frames">All frame times.</param>
    /// <param name="originTicks">Source time of 0.</param>
    /// <param name="startSeconds">The container's start time, which seeks count from.</param>
    /// <param name="sourcePixels">Pixels of a decoded frame.</param>
    public static IReadOnlyList<ChunkPlan> Plan(
        VideoPlan video, FrameTimes frames, long originTicks, double startSeconds, long sourcePixels, MediaSettings settings)
    {
        var chunkSegments = VideoEncoders.ForcesKeyFrames(settings.VideoCodec) ? settings.ChunkSegments : 1;
        var chunks = new List<ChunkPlan>();
        var grouped = Math.Max(0, video.Segments.Count - SingleSegments);
        var firstFrame = 0;
        var pixels = video.Renditions.Sum(rendition => (long)rendition.Width * rendition.Height);
        var tiles = TileFrames(video.Storyboard, frames, originTicks);
        for (var segment = 0; segment < video.Segments.Count;)
        {
            var count = segment < grouped ? Math.Min(chunkSegments, grouped - segment) : 1;
            var frameCount = video.Segments.Skip(segment).Take(count).Sum(part => part.Frames);
            var start = frames.Ticks[firstFrame] - originTicks;
            var end = firstFrame + frameCount < frames.Count ? frames.Ticks[firstFrame + frameCount] - originTicks : long.MaxValue;
            var seek = (frames.Ticks[firstFrame] / (double)VideoPlan.Timescale) - startSeconds;
            chunks.Add(new ChunkPlan(
                chunks.Count, segment, count, SeekTo(seek - SeekMarginSeconds), SeekTo(seek - SafeSeekMarginSeconds), frameCount,
                Math.Round(frameCount * (pixels + (DecodeWeight * sourcePixels)) / 1e6, 1),
                [.. tiles.Where(tile => tile >= start && tile < end)],
                chunks.Count < settings.PosterCandidates ? frames.Ticks[firstFrame + (video.Segments[segment].Frames / 2)] - originTicks : null));
            segment += count;
            firstFrame += frameCount;
        }
        return chunks;
    }

    private static double? SeekTo(double seconds) => seconds > SeekMarginSeconds ? Math.Round(seconds, 3) : null;

    /// <summary>For each tile the frame that is on screen when its interval begins.</summary>
    private static List<long> TileFrames(StoryboardPlan? storyboard, FrameTimes frames, long originTicks)
    {
        var tiles = new List<long>();
        for (var i = 0; i < storyboard?.Count; i++)
        {
            var time = originTicks + (long)(i * storyboard.IntervalSeconds * VideoPlan.Timescale);
            var found = Array.BinarySearch(frames.Ticks, time);
            tiles.Add(frames.Ticks[found >= 0 ? found : Math.Max(0, ~found - 1)] - originTicks);
        }
        return tiles;
    }
}
