namespace Processing.Worker.Live;

/// <summary>
/// Reads in the puller's list of packets whether the picture's parameters (its size, its profile) have changed. FLV says so beside the packet, and ffmpeg 5.1
/// leaves the new ones out of the transport stream: what follows could not be decoded, neither now nor in the recording. The list has a hash of them; some
/// broadcasters send the same ones again and again.
/// </summary>
internal sealed class ParameterWatch
{
    private const string Initial = "#extradata 0,";
    private const string Picture = "0,";
    private const string Beside = ", S=1,";

    private string? _hash;
    private volatile bool _hasChanged;

    public bool HasChanged => _hasChanged;

    /// <param name="line">As ffmpeg's framehash writes it: <c>0, dts, pts, duration, size, hash, S=1, size, hash</c>.</param>
    /// <returns>Whether it belongs to the list.</returns>
    public bool Accept(string line)
    {
        if (line.StartsWith(Initial, StringComparison.Ordinal))
        {
            _hash = LastOf(line);
        }
        else if (line.StartsWith(Picture, StringComparison.Ordinal) && line.Contains(Beside, StringComparison.Ordinal))
        {
            var hash = LastOf(line);
            _hasChanged |= hash != (_hash ??= hash);
        }

        return line.StartsWith('#') || line.StartsWith(Picture, StringComparison.Ordinal);
    }

    private static string LastOf(string line) => line[(line.LastIndexOf(',') + 1)..].Trim();
}
