using System.Globalization;
using System.Text;
using Lifecycle.Store.Live;
using Lifecycle.Store.Objects;
using Processing.Worker.Media;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Media.Planning;
using Processing.Worker.Tasks;

namespace Processing.Worker.Live;

/// <summary>
/// Puts the pieces of a broadcast together. The pieces of a generation are its transport stream as it came; several are repacked, one after the other in
/// time, and stand in one file. Nothing is encoded, but for silence where one generation has no sound and another has.
/// </summary>
internal sealed class RecordingJoiner(ObjectStore objects, FfmpegRunner ffmpeg, ScratchSpace scratch)
{
    private static readonly TimeSpan _stallTimeout = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan _totalTimeout = TimeSpan.FromHours(6);

    /// <returns>The path of the source.</returns>
    public async Task<string> JoinAsync(IReadOnlyList<RecordedPiece> pieces, string folder, CancellationToken ct)
    {
        var generations = pieces.GroupBy(piece => piece.Generation).OrderBy(generation => generation.Key).ToList();
        scratch.Admit(BytesFor(generations));
        var source = Path.Combine(folder, "source.ts");
        if (generations is [var only])
        {
            await ConcatAsync(only, source, ct);
            return source;
        }

        List<(string Path, ProbeOutput Probe)> parts = [];
        foreach (var generation in generations)
        {
            var path = Path.Combine(folder, $"generation-{generation.Key}.ts");
            await ConcatAsync(generation, path, ct);
            parts.Add((path, await ProbeAsync(path, folder, ct)));
        }

        var hasAudio = parts.Exists(part => HasAudio(part.Probe));
        var offset = 0.0;
        await using FileStream joined = new(source, FileMode.Create, FileAccess.Write);
        foreach (var (path, probe) in parts.Where(part => part.Probe.Streams?.Any(stream => stream.IsVideo) == true))
        {
            offset += await AppendAsync(path, offset, silence: hasAudio && !HasAudio(probe), joined, folder, ct);
            File.Delete(path);
        }

        return source;
    }

    /// <summary>The source; and of several generations the longest twice more, as it came and repacked, because each goes when it is in the source.</summary>
    private static long BytesFor(IReadOnlyList<IEnumerable<RecordedPiece>> generations)
    {
        var sizes = generations.Select(generation => generation.Sum(piece => piece.Bytes)).ToList();
        return sizes.Sum() + (sizes.Count > 1 ? 2 * sizes.Max() : 0);
    }

    /// <returns>Seconds that were added.</returns>
    private async Task<double> AppendAsync(string path, double offset, bool silence, FileStream joined, string folder, CancellationToken ct)
    {
        var work = FfmpegRunner.CreateWorkDir(folder);
        FfmpegProgress progress = new("out_time_us", 0, 0, null);
        await ffmpeg.RunAsync(
            new FfmpegCommand
            {
                Tool = "ffmpeg",
                Arguments =
                [
                    .. FfmpegArguments.Quiet, .. FfmpegArguments.Input("mpegts"), "-i", FfmpegArguments.FileUrl(path),
                    .. silence ? [.. LiveArguments.Silence, "-map", "0:v:0", "-map", "1:a:0", "-c:a", "aac", "-shortest"]
                        : (string[])["-map", "0:v:0", "-map", "0:a:0?", "-c:a", "copy"],
                    "-c:v", "copy", "-muxdelay", "0", "-muxpreload", "0", "-output_ts_offset", offset.ToString("0.000000", CultureInfo.InvariantCulture), "-f", "mpegts", "part.ts",
                ],
                WorkDir = work,
                SourcePath = path,
                StallTimeout = _stallTimeout,
                TotalTimeout = _totalTimeout,
                OnLine = progress.Accept,
            },
            ct);
        var part = Path.Combine(work, "part.ts");
        var seconds = (await ProbeAsync(part, work, ct)).Format!.DurationSeconds;
        await using (var repacked = OutputFile.OpenRead(part))
        {
            await repacked.CopyToAsync(joined, ct);
        }

        scratch.Remove(work);
        return seconds;
    }

    private async Task ConcatAsync(IEnumerable<RecordedPiece> pieces, string path, CancellationToken ct)
    {
        await using FileStream file = new(path, FileMode.Create, FileAccess.Write);
        foreach (var piece in pieces)
        {
            if (!await objects.CopyToAsync(piece.Key, file, ct))
            {
                throw new InvalidDataException("A piece of the recording is missing from the store.");
            }
        }
    }

    private async Task<ProbeOutput> ProbeAsync(string path, string folder, CancellationToken ct)
    {
        StringBuilder json = new();
        await ffmpeg.RunAsync(
            new FfmpegCommand
            {
                Tool = "ffprobe",
                Arguments = SourceProbe.Arguments(path, "mpegts"),
                WorkDir = folder,
                SourcePath = path,
                StallTimeout = _stallTimeout,
                TotalTimeout = _stallTimeout,
                OnLine = line => json.AppendLine(line) is not null,
            },
            ct);
        return ProbeJson.Parse(json.ToString());
    }

    private static bool HasAudio(ProbeOutput probe) => probe.Streams?.Any(stream => stream.IsAudio) == true;
}
