using System.Globalization;
using Processing.Worker.Media;
using Processing.Worker.Media.Encoders;
using Processing.Worker.Media.Ffmpeg;
using Storage.Fabric;

namespace Processing.Worker.Distribution;

/// <summary>Cuts finished tracks into pieces of the chunk store: each is fragmented MP4 with its own initialization and absolute times, so it plays alone, and all joined are one stream.</summary>
public sealed class ChunkCutter(FfmpegRunner ffmpeg)
{
    private const string Names = "chunk-%05d.mp4";

    /// <summary>Behind every video's end: the muxer wants a time at least.</summary>
    private const string Never = "1000000";

    /// <summary>A rest of sound shorter than this part of a chunk joins the one before, as with pictures.</summary>
    private const double MinLastPart = 1.0 / 6;

    /// <param name="write">Writes the tracks by name into a folder: the names are those of <see cref="MuxArguments"/>.</param>
    /// <returns>The chunks' paths in order; the same tracks give the same bytes. They lie where another user may write: <see cref="OutputFile"/> reads them.</returns>
    /// <exception cref="MediaFailureException">See the category.</exception>
    public async Task<IReadOnlyList<string>> CutAsync(MediaPlan plan, string scratchDir, Func<string, Task> write, CancellationToken ct)
    {
        var workDir = FfmpegRunner.CreateWorkDir(scratchDir);
        await write(workDir);
        await ffmpeg.RunAsync(
            new FfmpegCommand
            {
                Tool = "ffmpeg",
                Arguments = Arguments(plan),
                WorkDir = workDir,
                SourcePath = Path.Combine(workDir, plan.Video is null ? MuxArguments.AudioInput(plan, 0) : MuxArguments.VideoInput),
                StallTimeout = TimeSpan.FromSeconds(plan.Settings.StallTimeoutSeconds),
                TotalTimeout = TimeSpan.FromSeconds(plan.Settings.TaskTimeoutSeconds),
            },
            ct);
        string[] chunks = [.. Directory.EnumerateFiles(workDir, "chunk-*.mp4").Order(StringComparer.Ordinal)];
        if (chunks.Length == 0 || chunks.Any(path => LengthOf(path) > ChunkLimits.ChunkBytes))
        {
            throw new MediaFailureException(new(MediaFailureCategory.Unknown, $"A chunk is larger than {ChunkLimits.ChunkBytes} bytes, or there is none.", ""));
        }

        return chunks;
    }

    private static long LengthOf(string path)
    {
        using var file = OutputFile.OpenRead(path);
        return file.Length;
    }

    internal static IReadOnlyList<string> Arguments(MediaPlan plan) =>
    [
        .. FfmpegArguments.Quiet, "-copyts",
        .. plan.Video is null ? [] : MuxArguments.Input("mov", MuxArguments.VideoInput),
        .. plan.Audio.Count == 0 ? [] : MuxArguments.Input("mov", MuxArguments.AudioInput(plan, 0)),
        .. Enumerable.Range(0, (plan.Video is null ? 0 : 1) + Math.Min(plan.Audio.Count, 1)).SelectMany(input => (string[])["-map", $"{input}:0"]),
        "-c", "copy", "-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags", "+bitexact",
        "-f", "segment", "-segment_times", string.Join(',', Cuts(plan).Append(Never)), "-reset_timestamps", "0", "-segment_format", "mp4",
        // frag_discont: the fragment's decode time is the stream's, not the file's. No edit list: a player would shift by it.
        "-segment_format_options", "movflags=+frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer:use_editlist=0:avoid_negative_ts=disabled:fflags=+bitexact",
        Names,
    ];

    /// <summary>Before the first picture of each segment but the first; every ten seconds of a source without pictures.</summary>
    private static IEnumerable<string> Cuts(MediaPlan plan) => plan.Video is { } video
        ? video.Segments.Skip(1).Select(segment => OutputClock.Seconds(segment.Cut - (plan.OriginTicks * 100 / 9)))
        : Enumerable.Range(1, (int)Math.Max(0, (plan.DurationSeconds / ChunkLimits.ChunkSeconds) - MinLastPart)).Select(i => (i * ChunkLimits.ChunkSeconds).ToString(CultureInfo.InvariantCulture));
}
