using Lifecycle.Contracts.Media;

namespace Processing.Worker.Media;

/// <summary>Joins the results of all tasks into a version's catalogue and checks it. Pure: reads no file.</summary>
public static class MediaFinalizer
{
    /// <param name="plan">The video's plan.</param>
    /// <param name="version">The version that becomes READY.</param>
    /// <param name="chunks">The result of every chunk, in any order.</param>
    /// <param name="audio">Null only where the plan needs no audio task.</param>
    /// <param name="storyboard">The sprite, if any.</param>
    /// <param name="stored">Where a file was stored. Called for the files that the catalogue keeps: not for tiles and the posters not chosen, and for one initialization segment of each track.</param>
    /// <returns>The catalogue and the report; the caller publishes only if the report passed.</returns>
    public static FinalizedMedia Finalize(
        MediaPlan plan, int version, IReadOnlyCollection<ChunkResult> chunks, AudioResult? audio, StoryboardResult? storyboard,
        Func<MediaFile, StoredObject> stored) => throw new NotSupportedException("not yet");
}
