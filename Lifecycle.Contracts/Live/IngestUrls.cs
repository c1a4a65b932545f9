using System.Text.RegularExpressions;

namespace Lifecycle.Contracts.Live;

/// <summary>
/// Which addresses an encoder may take its input from. They are strangers' wishes that ffmpeg will follow, so only what is known to be
/// harmless passes: no credentials before the host, none of the characters with which ffmpeg's options begin, of SRT only a caller's.
/// </summary>
/// <param name="ownUrls">The platform's own ingest by each of its addresses, as <c>rtmp://HOST:PORT/live</c>; empty ones do not count.</param>
/// <param name="allowedHosts">As <c>host</c> or <c>host:port</c>.</param>
public sealed partial class IngestUrls(IEnumerable<string> ownUrls, IEnumerable<string> allowedHosts)
{
    public const int LongestUrl = 2048;

    /// <summary>Of ffmpeg's SRT options those that neither listen nor read files.</summary>
    private static readonly string[] _srtOptions = ["streamid", "passphrase", "pbkeylen", "latency", "mode"];

    private readonly Uri[] _own = [.. ownUrls.Where(url => url.Length > 0).Select(url => new Uri(url))];
    private readonly HashSet<string> _allowed = new(allowedHosts, StringComparer.OrdinalIgnoreCase);

    /// <summary>What the protocols of inputs are called, and their schemes.</summary>
    public static IReadOnlyList<string> Protocols { get; } = ["rtmp", "rtmps", "srt"];

    /// <summary>Whether the address is the platform's own ingest.</summary>
    public bool IsOwn(string url) => Parse(url) is { } uri && Own(uri) is not null;

    /// <param name="url">As the broadcaster sent it.</param>
    /// <param name="kept">As it is to be used: the own ingest's without a query, in which the stream's key may be.</param>
    /// <returns>What is wrong, as the end of a sentence that begins with the field's name; null: nothing.</returns>
    public string? Refusal(string streamId, string protocol, string url, out string kept)
    {
        kept = url;
        if (Parse(url) is not { } uri)
        {
            return $"must be a URI such as {protocol}://host:port/path, of at most {LongestUrl} characters.";
        }

        if (uri.Scheme != protocol)
        {
            return $"must begin with {protocol}://, its protocol.";
        }

        if (Own(uri) is { } own)
        {
            kept = $"{own.GetLeftPart(UriPartial.Path).TrimEnd('/')}/{streamId}";
            return uri.AbsolutePath == new Uri(kept).AbsolutePath ? null : $"must be {kept}: the stream's own place.";
        }

        if (!_allowed.Contains(uri.Host) && !_allowed.Contains($"{uri.Host}:{PortOf(uri)}"))
        {
            return "names a host that is not allowed.";
        }

        return protocol == "srt" ? SrtRefusal(uri) : null;
    }

    private static string? SrtRefusal(Uri uri)
    {
        if (uri.Port <= 0)
        {
            return "needs a port.";
        }

        foreach (var option in uri.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var name = option.Split('=')[0];
            if (!_srtOptions.Contains(name, StringComparer.Ordinal) || (name == "mode" && option != "mode=caller"))
            {
                return $"has the option {name}, which is not allowed.";
            }
        }

        return null;
    }

    private static Uri? Parse(string url) => url.Length <= LongestUrl && Shape().IsMatch(url) && Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Host.Length > 0 ? uri : null;

    private Uri? Own(Uri uri) => Array.Find(_own, own => own.Scheme == uri.Scheme && PortOf(own) == PortOf(uri) && string.Equals(own.Host, uri.Host, StringComparison.OrdinalIgnoreCase));

    /// <summary>Its own, or its scheme's; -1 where it has none.</summary>
    public static int PortOf(Uri uri) => (uri.Port, uri.Scheme) switch
    {
        ( > 0, _) => uri.Port,
        (_, "rtmp") => 1935,
        (_, "rtmps") => 443,
        _ => -1,
    };

    /// <summary>Scheme, host, port, path and query of the characters that need no quotes; no user, no fragment.</summary>
    [GeneratedRegex(@"^[a-z]{3,5}://(?:[A-Za-z0-9.\-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9\-._~!$&()*+,;=:@%/]*)?(?:\?[A-Za-z0-9\-._~!$&()*+,;=:@%/?]*)?\z", RegexOptions.None, 1000)]
    private static partial Regex Shape();
}
