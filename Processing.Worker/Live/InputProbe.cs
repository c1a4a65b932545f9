using System.Text;
using Processing.Worker.Media;
using Processing.Worker.Media.Ffmpeg;
using Processing.Worker.Media.Planning;

namespace Processing.Worker.Live;

/// <summary>Finds out from an input's beginning what it is. The bytes go to the encoder all the same: nothing is lost by looking.</summary>
internal sealed class InputProbe(FfmpegRunner ffmpeg, TimeProvider time)
{
    private const int MostBytes = 8 << 20;
    private const int MostOutputChars = 1 << 20;

    /// <summary>Enough pictures to know their rate.</summary>
    private static readonly TimeSpan _first = TimeSpan.FromMilliseconds(700);

    /// <summary>The sets of parameters of an input come with each key frame at the latest.</summary>
    private static readonly TimeSpan _most = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan _probeWithin = TimeSpan.FromSeconds(5);

    /// <param name="folder">For the file that is probed; ffprobe's user may pass it.</param>
    /// <param name="read">Takes what was read, for the encoder.</param>
    /// <exception cref="InputRefusedException">Nothing that could be encoded.</exception>
    public async Task<ProbeOutput> ProbeAsync(EncoderQueue input, List<byte[]> read, string folder, CancellationToken ct)
    {
        var begun = time.GetTimestamp();
        for (var until = _first; ; until += _first)
        {
            var isWhole = await ReadUntilAsync(input, read, begun, until, ct);
            if (await AskAsync(read, folder, ct) is { } probe && probe.Streams?.Any(stream => stream.IsVideo) == true)
                return probe;
            if (isWhole || until >= _most)
                throw new InputRefusedException("The input has no picture that could be decoded.");
        }
    }

    /// <returns>True where nothing more is to be had.</returns>
    private async Task<bool> ReadUntilAsync(EncoderQueue input, List<byte[]> read, long begun, TimeSpan until, CancellationToken ct)
    {
        while (time.GetElapsedTime(begun) < until)
        {
            if (read.Sum(bytes => (long)bytes.Length) >= MostBytes || await input.NextAsync(ct) is not { } bytes)
                return true;
            read.Add(bytes);
        }
        return false;
    }

    /// <summary>Null where it is not to be known yet.</summary>
    private async Task<ProbeOutput?> AskAsync(List<byte[]> read, string folder, CancellationToken ct)
    {
        var path = Path.Combine(folder, "probe.ts");
        await using (FileStream file = new(path, FileMode.Create, FileAccess.Write))
        {
            foreach (var bytes in read)
                await file.WriteAsync(bytes, ct);
        }

        var json = new StringBuilder();
        try
        {
            await ffmpeg.RunAsync(
                new FfmpegCommand
                {
                    Tool = "ffprobe",
                    Arguments = ["-v", "error", .. FfmpegArguments.Input("mpegts"), "-show_streams", "-show_format", "-of", "json", FfmpegArguments.FileUrl(path)],
                    WorkDir = folder,
                    SourcePath = path,
                    StallTimeout = _probeWithin,
                    TotalTimeout = _probeWithin,
                    Niceness = 0,
                    OnLine = line => json.Length + line.Length < MostOutputChars && json.AppendLine(line) is not null,
                },
                ct);
            return ProbeJson.Parse(json.ToString());
        }
        catch (MediaFailureException failure) when (failure.Failure.Category is not MediaFailureCategory.Storage)
        {
            return null;
        }
    }
}
