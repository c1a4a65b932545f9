using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;

namespace Processing.Worker.Live;

/// <summary>
/// The addresses of a stream's input, in a ring: the one that was lost is asked first, because most broadcasters come back, then its backup, and so on.
/// When all have given nothing, the next round waits: half a second, doubled up to eight.
/// </summary>
internal sealed class InputRing(IReadOnlyList<string> urls, bool isOwnIngest)
{
    private static readonly TimeSpan _shortest = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan _longest = TimeSpan.FromSeconds(8);

    /// <summary>The own ingest has its players wait for the broadcaster: who is there then misses nothing of the beginning.</summary>
    private static readonly TimeSpan _patienceWithOwn = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan _patienceAlone = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan _patienceAmongOthers = TimeSpan.FromSeconds(4);

    private int _current;
    private int _failed;

    public string Current => urls[_current];

    public TimeSpan Patience => urls.Count > 1 ? _patienceAmongOthers : isOwnIngest ? _patienceWithOwn : _patienceAlone;

    /// <summary>The current one gave something.</summary>
    public void Gave() => _failed = 0;

    /// <summary>The current one gave nothing, or nothing that is accepted: the next one.</summary>
    /// <returns>How long to wait before it.</returns>
    public TimeSpan GaveNothing()
    {
        _current = (_current + 1) % urls.Count;
        _failed++;
        var rounds = _failed / urls.Count;
        return rounds == 0 || _failed % urls.Count != 0 ? TimeSpan.Zero : TimeSpan.FromTicks(Math.Min(_longest.Ticks, _shortest.Ticks << Math.Min(rounds - 1, 10)));
    }

    /// <summary>The platform's own ingest is asked with the worker's key, wherever the workers reach it.</summary>
    public static InputRing Of(ClaimedSession session, PlayKeys keys, StreamOptions options)
    {
        var asked = session.Inputs.SelectMany(input => (string?[])[input.Url, input.BackupUrl]).OfType<string>().Where(url => url.Length > 0).ToList();
        var urls = asked.Select(url => IsOwnIngest(url, options) ? keys.PullUrlOf(session.StreamId) : url).Distinct(StringComparer.Ordinal).ToList();
        return new(urls, asked.TrueForAll(url => IsOwnIngest(url, options)));
    }

    private static bool IsOwnIngest(string url, StreamOptions options) =>
        Uri.TryCreate(url, UriKind.Absolute, out var asked) && (string[])[options.IngestUrl, options.IngestPullUrl] is var own
        && own.Any(each => Uri.TryCreate(each, UriKind.Absolute, out var ingest)
            && string.Equals(ingest.Scheme, asked.Scheme, StringComparison.OrdinalIgnoreCase) && string.Equals(ingest.Host, asked.Host, StringComparison.OrdinalIgnoreCase) && PortOf(ingest) == PortOf(asked));

    private static int PortOf(Uri uri) => uri.Port > 0 ? uri.Port : uri.Scheme.Equals("rtmps", StringComparison.OrdinalIgnoreCase) ? 443 : 1935;
}
