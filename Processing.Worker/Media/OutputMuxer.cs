using System.Text;
using Processing.Worker.Media.Encoders;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Media.Planning;

namespace Processing.Worker.Media;

/// <summary>What a transcode job's last task made, as read back from the file.</summary>
/// <param name="Files">The file to download first.</param>
/// <param name="Width">0 without a picture.</param>
public sealed record MuxedOutput(IReadOnlyList<MediaFile> Files, double DurationSeconds, int Width, int Height, string? VideoCodec, string? AudioCodec);

/// <summary>The last task of a transcode job: puts the tracks into the container that was asked for, and looks at what came of it.</summary>
public sealed class OutputMuxer(FfmpegRunner ffmpeg)
{
    /// <summary>A container rounds, and a damaged source has less than it says; more is a defect of ours.</summary>
    private const double MaxDurationDifferenceSeconds = 1;

    /// <param name="plan">The job's plan.</param>
    /// <param name="format">mp4, webm, mkv or hls.</param>
    /// <param name="scratchDir">An existing directory for this task; the files of the result are written there.</param>
    /// <param name="write">Writes the tracks by name into a folder: the names are those of <see cref="MuxArguments"/>.</param>
    /// <exception cref="MediaFailureException">See the category.</exception>
    public async Task<MuxedOutput> MuxAsync(
        MediaPlan plan, string format, IReadOnlyList<ChunkResult> chunks, string scratchDir, Func<string, Task> write, IProgress<double>? progress, CancellationToken ct)
    {
        var workDir = FfmpegRunner.CreateWorkDir(scratchDir);
        try
        {
            await write(workDir);
            await ffmpeg.RunAsync(
                new FfmpegCommand
                {
                    Tool = "ffmpeg",
                    Arguments = MuxArguments.Build(plan, format),
                    WorkDir = workDir,
                    SourcePath = Path.Combine(workDir, plan.Video is null ? MuxArguments.AudioInput(plan, 0) : MuxArguments.VideoInput),
                    StallTimeout = TimeSpan.FromSeconds(plan.Settings.TaskTimeoutSeconds), // moving an MP4's index to its front says nothing, however long it takes
                    TotalTimeout = TimeSpan.FromSeconds(plan.Settings.TaskTimeoutSeconds),
                    OnLine = new FfmpegProgress("out_time_us", plan.DurationSeconds * 1e6, 0, progress).Accept,
                },
                ct);
            if (format == "hls")
            {
                await MendPlaylistAsync(Path.Combine(workDir, MuxArguments.Playlist), ct);
            }

            var files = new List<MediaFile>();
            foreach (var (name, contentType) in MuxArguments.Outputs(format))
            {
                File.Move(Path.Combine(workDir, name), Path.Combine(scratchDir, name));
                files.Add(await MediaFile.DescribeAsync(scratchDir, name, contentType, ct));
            }
            return await LookAsync(plan, chunks, files, scratchDir, workDir, ct);
        }
        finally
        {
            Directory.Delete(workDir, recursive: true);
        }
    }

    private static async Task MendPlaylistAsync(string path, CancellationToken ct)
    {
        var written = await OutputFile.ReadAsync(path, ct) ?? throw new FileNotFoundException("The playlist was not written.");
        File.Delete(path); // it is another user's
        await File.WriteAllTextAsync(path, MuxArguments.Mend(Encoding.UTF8.GetString(written)), ct);
    }

    private async Task<MuxedOutput> LookAsync(
        MediaPlan plan, IReadOnlyList<ChunkResult> chunks, IReadOnlyList<MediaFile> files, string scratchDir, string workDir, CancellationToken ct)
    {
        var probe = await new SourceProbe(ffmpeg, plan.Settings).ProbeAsync(files[^1].PathIn(scratchDir), null, workDir, ct);
        var video = probe.Streams?.FirstOrDefault(stream => stream.IsVideo);
        var audio = probe.Streams?.FirstOrDefault(stream => stream.IsAudio);
        var duration = probe.Format?.DurationSeconds ?? 0;
        var damaged = chunks.Sum(chunk => chunk.Frames) != (plan.Video?.Frames ?? 0);
        if ((video is null) != (plan.Video is null) || (audio is null) != (plan.Audio.Count == 0)
            || (!damaged && Math.Abs(duration - plan.DurationSeconds) > MaxDurationDifferenceSeconds))
        {
            throw new MediaFailureException(new MediaFailure(
                MediaFailureCategory.Unknown, $"The output is not what was asked for: {duration:0.0} of {plan.DurationSeconds:0.0} s, picture {video is not null}, sound {audio is not null}.", ""));
        }
        return new MuxedOutput(files, duration, video?.Width ?? 0, video?.Height ?? 0, video?.CodecName, audio?.CodecName);
    }
}
