using System.Globalization;

namespace Processing.Worker.Media.Ffmpeg;

/// <summary>Reads what <c>-progress</c> writes: lines of key=value, in blocks.</summary>
/// <param name="total">What counts as done: frames, or microseconds.</param>
/// <param name="key"><c>frame</c> or <c>out_time_us</c>.</param>
/// <param name="origin">The key's value at the start.</param>
internal sealed class FfmpegProgress(string key, double total, double origin, IProgress<double>? progress)
{
    private string _last = "";

    /// <returns>True where the work has moved on since the last line of this kind.</returns>
    public bool Accept(string line)
    {
        var equals = line.IndexOf('=');
        if (equals < 0)
            return false;
        var name = line.AsSpan(0, equals);
        var value = line[(equals + 1)..].Trim();
        if (name.SequenceEqual(key))
        {
            if (double.TryParse(value, CultureInfo.InvariantCulture, out var done) && total > 0)
                progress?.Report(Math.Clamp((done - origin) / total, 0, 1));
        }
        else if (!name.SequenceEqual("total_size"))
        {
            return false;
        }

        var moved = _last != line;
        _last = line;
        return moved;
    }
}
