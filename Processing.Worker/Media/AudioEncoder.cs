using Processing.Worker.Media.Encoders;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media;

/// <summary>The audio task: encodes every audio track whole, because audio encoded by chunks has audible gaps.</summary>
public sealed class AudioEncoder(FfmpegRunner ffmpeg)
{
    /// <param name="plan">The video's plan.</param>
    /// <param name="sourcePath">The source, or the normalized file where the plan names one.</param>
    /// <param name="scratchDir">An existing directory for this task; the files of the result are written below it.</param>
    /// <exception cref="MediaFailureException">See the category.</exception>
    public async Task<AudioResult> EncodeAsync(MediaPlan plan, string sourcePath, string scratchDir, IProgress<double>? progress, CancellationToken ct)
    {
        var path = Path.GetFullPath(sourcePath);
        var workDir = FfmpegRunner.CreateWorkDir(scratchDir);
        try
        {
            await ffmpeg.RunAsync(
                new FfmpegCommand
                {
                    Tool = "ffmpeg",
                    Arguments = AudioArguments.Build(plan, path),
                    WorkDir = workDir,
                    SourcePath = path,
                    StallTimeout = TimeSpan.FromSeconds(plan.Settings.StallTimeoutSeconds),
                    TotalTimeout = TimeSpan.FromSeconds(plan.Settings.TaskTimeoutSeconds),
                    OnLine = new FfmpegProgress("out_time_us", plan.DurationSeconds * 1e6, OutputClock.ShiftSeconds * 1e6, progress).Accept,
                },
                ct);
            if (!AudioArguments.IsSegmented(plan))
                return new AudioResult { Tracks = [], Whole = await WholeAsync(plan, workDir, scratchDir, ct) };
            var tracks = new List<TrackPart>();
            foreach (var track in plan.Audio)
                tracks.Add(await AudioSegmenter.SplitAsync(plan, track, 0, Path.Combine(workDir, AudioArguments.OutputName(plan, track)), scratchDir, ct));
            return new AudioResult { Tracks = tracks };
        }
        finally
        {
            Directory.Delete(workDir, recursive: true);
        }
    }

    private static async Task<IReadOnlyList<MediaFile>> WholeAsync(MediaPlan plan, string workDir, string scratchDir, CancellationToken ct)
    {
        var files = new List<MediaFile>();
        foreach (var track in plan.Audio)
        {
            var name = $"audio/{AudioArguments.OutputName(plan, track)}";
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(scratchDir, name))!);
            File.Move(Path.Combine(workDir, AudioArguments.OutputName(plan, track)), Path.Combine(scratchDir, name));
            files.Add(await MediaFile.DescribeAsync(scratchDir, name, "audio/webm", ct));
        }
        return files;
    }
}
