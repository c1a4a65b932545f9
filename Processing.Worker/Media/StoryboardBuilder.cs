using Processing.Worker.Media.Encoders;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media;

/// <summary>Joins the storyboard frames of all chunks into one sprite: part of the finalizing task.</summary>
public sealed class StoryboardBuilder(FfmpegRunner ffmpeg)
{
    private const string InputName = "tiles.mjpeg";
    private const string OutputName = "storyboard.jpg";

    /// <param name="plan">The video's plan.</param>
    /// <param name="tilePaths">The local copies of <see cref="ChunkResult.Tiles"/>, in chunk order, chunks without tiles left out.</param>
    /// <param name="scratchDir">An existing directory for this task.</param>
    /// <returns>Null where the plan has no storyboard or frames for it are missing.</returns>
    public async Task<StoryboardResult?> BuildAsync(MediaPlan plan, IReadOnlyList<string> tilePaths, string scratchDir, CancellationToken ct)
    {
        var chunks = plan.Chunks.Where(chunk => chunk.TileTicks.Count > 0).ToList();
        if (plan.Video?.Storyboard is not { } layout || tilePaths.Count != chunks.Count)
            return null;
        var workDir = FfmpegRunner.CreateWorkDir(scratchDir);
        try
        {
            if (!await JoinAsync(chunks, tilePaths, Path.Combine(workDir, InputName), ct))
                return null;
            await ffmpeg.RunAsync(
                new FfmpegCommand
                {
                    Tool = "ffmpeg",
                    Arguments = Arguments(layout),
                    WorkDir = workDir,
                    StallTimeout = TimeSpan.FromSeconds(plan.Settings.StallTimeoutSeconds),
                    TotalTimeout = TimeSpan.FromSeconds(plan.Settings.StallTimeoutSeconds),
                },
                ct);
            var content = await OutputFile.ReadAsync(Path.Combine(workDir, OutputName), ct)
                ?? throw new MediaFailureException(new MediaFailure(MediaFailureCategory.Unknown, "The storyboard was not written.", ""));
            var sprite = await MediaFile.WriteAsync(scratchDir, OutputName, content, "image/jpeg", ct);
            return new StoryboardResult(sprite, layout);
        }
        finally
        {
            Directory.Delete(workDir, recursive: true);
        }
    }

    internal static IReadOnlyList<string> Arguments(StoryboardPlan layout) =>
    [
        .. FfmpegArguments.Quiet, "-protocol_whitelist", "file", "-f", "mjpeg", "-framerate", "1", "-i", FfmpegArguments.FileUrl(InputName),
        "-vf", $"tile={layout.Columns}x{layout.Rows}:nb_frames={layout.Count}", "-frames:v", "1", "-c:v", "mjpeg", "-threads", "1", "-q:v", "4",
        "-fflags", "+bitexact", "-flags", "+bitexact", "-f", "mjpeg", OutputName,
    ];

    /// <summary>One image for each tile; a frame that stays on screen for several tiles was written once and is repeated here.</summary>
    private static async Task<bool> JoinAsync(List<ChunkPlan> chunks, IReadOnlyList<string> tilePaths, string path, CancellationToken ct)
    {
        await using var output = File.Create(path);
        for (var i = 0; i < chunks.Count; i++)
        {
            var images = JpegSequence.Split(await File.ReadAllBytesAsync(tilePaths[i], ct));
            var frames = chunks[i].TileTicks.Distinct().ToList();
            if (images.Count != frames.Count)
                return false;
            foreach (var tick in chunks[i].TileTicks)
                await output.WriteAsync(images[frames.IndexOf(tick)], ct);
        }
        return true;
    }
}
