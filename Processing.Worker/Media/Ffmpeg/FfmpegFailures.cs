namespace Processing.Worker.Media.Ffmpeg;

/// <summary>Tells from how a process ended whether the file or the machine is to blame.</summary>
internal static class FfmpegFailures
{
    private const int SignalBase = 128;

    /// <summary>Text in ffmpeg's messages and what it means; the first match counts, so the machine's faults stand before the file's.</summary>
    private static readonly (string Text, MediaFailureCategory Category, string Message)[] Known =
    [
        ("No space left on device", MediaFailureCategory.Storage, "The worker's disk is full."),
        ("Disk quota exceeded", MediaFailureCategory.Storage, "The worker's disk is full."),
        ("Input/output error", MediaFailureCategory.Storage, "The worker could not read or write a file."),
        ("Read-only file system", MediaFailureCategory.Storage, "The worker could not write a file."),
        ("Permission denied", MediaFailureCategory.Storage, "The worker could not open a file."),
        ("Cannot allocate memory", MediaFailureCategory.Resources, "The worker ran out of memory."),
        ("Resource temporarily unavailable", MediaFailureCategory.Resources, "The worker ran out of processes or threads."),
        ("moov atom not found", MediaFailureCategory.Media, "Not a video, or a truncated one: the file has no index (moov)."),
        ("Format not on whitelist", MediaFailureCategory.Media, "Not a video: the file is of a kind that is not accepted."),
        ("not on whitelist", MediaFailureCategory.Media, "Not a video: the file refers to other files."),
        ("Invalid data found when processing input", MediaFailureCategory.Media, "Not a video: no known media format was found in the file."),
        ("Invalid argument", MediaFailureCategory.Media, "The media could not be processed."),
        ("Decoder (codec", MediaFailureCategory.Media, "The media uses a codec that is not supported."),
        ("Conversion failed", MediaFailureCategory.Media, "The media could not be decoded."),
        ("does not contain any stream", MediaFailureCategory.Media, "Not a video: the file has no picture and no sound."),
        ("End of file", MediaFailureCategory.Media, "The file is truncated."),
    ];

    public static MediaFailure Classify(int exitCode, string stderrTail)
    {
        if (exitCode > SignalBase)
        {
            var (category, message) = (exitCode - SignalBase) switch
            {
                9 or 15 => (MediaFailureCategory.Resources, "The media process was killed."),
                24 => (MediaFailureCategory.Resources, "The media process used up its CPU time."),
                25 => (MediaFailureCategory.Resources, "The media process reached its file size limit."),
                var signal => (MediaFailureCategory.Crash, $"The media process crashed with signal {signal}."),
            };
            return new MediaFailure(category, message, stderrTail);
        }

        foreach (var (text, category, message) in Known)
        {
            if (stderrTail.Contains(text, StringComparison.Ordinal))
                return new MediaFailure(category, message, stderrTail);
        }
        return new MediaFailure(MediaFailureCategory.Unknown, $"The media process ended with code {exitCode}.", stderrTail);
    }
}
