using Processing.Worker.Media.Encoders;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media;

/// <summary>A chunk task: decodes the frames of its segments once and encodes all renditions.</summary>
public sealed class ChunkEncoder(FfmpegRunner ffmpeg)
{
    private const int MaxMessageChars = 2000;

    /// <param name="plan">The video's plan.</param>
    /// <param name="chunkIndex">Which of the plan's chunks.</param>
    /// <param name="sourcePath">The source, or the normalized file where the plan names one.</param>
    /// <param name="scratchDir">An existing directory for this task; the files of the result are written below it.</param>
    /// <exception cref="MediaFailureException">See the category.</exception>
    public async Task<ChunkResult> EncodeAsync(
        MediaPlan plan, int chunkIndex, string sourcePath, string scratchDir, IProgress<double>? progress, CancellationToken ct)
    {
        var chunk = plan.Chunks[chunkIndex];
        var path = Path.GetFullPath(sourcePath);
        var result = await TryAsync(plan, chunk, path, chunk.SeekSeconds, scratchDir, progress, ct);

        // An index that is less exact than it seems, or damaged media: only the first is cured by reading from further back.
        if (result.Frames != chunk.Frames && chunk.SeekSeconds is not null)
            result = await TryAsync(plan, chunk, path, chunk.SafeSeekSeconds, scratchDir, progress, ct);
        return result;
    }

    private async Task<ChunkResult> TryAsync(
        MediaPlan plan, ChunkPlan chunk, string path, double? seekSeconds, string scratchDir, IProgress<double>? progress, CancellationToken ct)
    {
        var workDir = FfmpegRunner.CreateWorkDir(scratchDir);
        try
        {
            var messages = await RunAsync(plan, chunk, path, seekSeconds, workDir, progress, ct);
            var parts = new List<TrackPart>();
            foreach (var rendition in plan.Video!.Renditions)
                parts.Add(await VideoSegmenter.SplitAsync(plan, chunk, rendition, Path.Combine(workDir, ChunkArguments.OutputName(rendition)), scratchDir, ct));
            EnsureAligned(parts);
            return new ChunkResult
            {
                Index = chunk.Index,
                Renditions = parts,
                Tiles = await TilesAsync(chunk, workDir, scratchDir, ct),
                Poster = await ImageAsync(Path.Combine(workDir, ChunkArguments.PosterName), $"poster/{chunk.Index:D5}.jpg", "image/jpeg", scratchDir, ct),
                Frames = parts[0].Segments.Sum(segment => segment.Samples),
                DecoderMessages = messages.Length > MaxMessageChars ? messages[^MaxMessageChars..] : messages,
            };
        }
        finally
        {
            Directory.Delete(workDir, recursive: true);
        }
    }

    private Task<string> RunAsync(
        MediaPlan plan, ChunkPlan chunk, string path, double? seekSeconds, string workDir, IProgress<double>? progress, CancellationToken ct) =>
        ffmpeg.RunAsync(
            new FfmpegCommand
            {
                Tool = "ffmpeg",
                Arguments = ChunkArguments.Build(plan, chunk, path, seekSeconds),
                WorkDir = workDir,
                SourcePath = path,
                StallTimeout = TimeSpan.FromSeconds(plan.Settings.StallTimeoutSeconds),
                TotalTimeout = TimeSpan.FromSeconds(plan.Settings.TaskTimeoutSeconds),
                OnLine = new FfmpegProgress("frame", chunk.Frames, 0, progress).Accept,
            },
            ct);

    /// <summary>All renditions come from one decode: the same frames at the same times.</summary>
    private static void EnsureAligned(List<TrackPart> parts)
    {
        foreach (var part in parts)
        {
            if (!part.Segments.Select(segment => (segment.Start, segment.Duration, segment.Samples))
                .SequenceEqual(parts[0].Segments.Select(segment => (segment.Start, segment.Duration, segment.Samples))))
                throw new InvalidDataException($"Renditions {part.Name} and {parts[0].Name} differ in their frames.");
        }
    }

    /// <summary>Null where a planned frame could not be decoded: a storyboard with shifted images would be wrong.</summary>
    private static async Task<MediaFile?> TilesAsync(ChunkPlan chunk, string workDir, string scratchDir, CancellationToken ct)
    {
        var path = Path.Combine(workDir, ChunkArguments.TilesName);
        if (await OutputFile.ReadAsync(path, ct) is not { } content || JpegSequence.Split(content).Count != chunk.TileTicks.Distinct().Count())
            return null;
        return await ImageAsync(path, $"tiles/{chunk.Index:D5}.mjpeg", "video/x-motion-jpeg", scratchDir, ct);
    }

    private static async Task<MediaFile?> ImageAsync(string path, string name, string contentType, string scratchDir, CancellationToken ct) =>
        await OutputFile.ReadAsync(path, ct) is { Length: > 0 } content ? await MediaFile.WriteAsync(scratchDir, name, content, contentType, ct) : null;
}
