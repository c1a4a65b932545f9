using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Testing.Media;

/// <summary>A finished video as a player sees it: read from its multivariant playlist, a file or at a server, and from nothing else.</summary>
public sealed class HlsVideo
{
    private HlsVideo(Uri manifest, IReadOnlyList<HlsTrack> tracks) => (Manifest, Tracks) = (manifest, tracks);

    public Uri Manifest { get; }

    public IReadOnlyList<HlsTrack> Tracks { get; }

    public IEnumerable<HlsTrack> Video => Tracks.Where(track => track.Attributes.ContainsKey("RESOLUTION"));

    public IEnumerable<HlsTrack> Audio => Tracks.Where(track => !track.Attributes.ContainsKey("RESOLUTION"));

    /// <summary>What makes ffmpeg and ffprobe read it.</summary>
    public IEnumerable<string> Input => HlsTrack.InputOf(Manifest);

    public static async Task<HlsVideo> OpenAsync(Uri manifest)
    {
        var folder = Sources.NewFolder("played");
        var tracks = new List<HlsTrack>();
        var lines = await HlsTrack.LinesAsync(manifest);
        for (var i = 0; i < lines.Length; i++)
        {
            if (lines[i].StartsWith("#EXT-X-MEDIA:", StringComparison.Ordinal))
            {
                var attributes = HlsTrack.AttributesOf(lines[i]);
                tracks.Add(await HlsTrack.OpenAsync(new(manifest, attributes["URI"]), attributes, folder));
            }
            else if (lines[i].StartsWith("#EXT-X-STREAM-INF:", StringComparison.Ordinal))
            {
                tracks.Add(await HlsTrack.OpenAsync(new(manifest, lines[i + 1]), HlsTrack.AttributesOf(lines[i]), folder));
            }
        }

        return new(manifest, tracks);
    }
}

/// <param name="Seconds">As its EXTINF says.</param>
/// <param name="Alone">A file of the segment behind its initialization segment: what a player that seeks there decodes.</param>
public sealed record HlsSegment(double Seconds, byte[] Content, string Alone);

/// <summary>A media playlist with its segments.</summary>
/// <param name="Attributes">Of the multivariant playlist's line, without quotes.</param>
public sealed partial record HlsTrack(string Name, Uri Playlist, IReadOnlyDictionary<string, string> Attributes, int TargetSeconds, IReadOnlyList<HlsSegment> Segments)
{
    private static readonly HttpClient Http = new();

    public double PeakBandwidth => Segments.Max(segment => segment.Content.Length * 8 / segment.Seconds);

    public double AverageBandwidth => Segments.Sum(segment => (long)segment.Content.Length) * 8 / Segments.Sum(segment => segment.Seconds);

    public IEnumerable<string> Input => InputOf(Playlist);

    internal static IEnumerable<string> InputOf(Uri playlist) => playlist.IsFile ? ["-allowed_extensions", "ALL", "-i", playlist.LocalPath] : ["-i", playlist.AbsoluteUri];

    internal static async Task<string[]> LinesAsync(Uri playlist) => Encoding.UTF8.GetString(await ReadAsync(playlist)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    internal static Dictionary<string, string> AttributesOf(string line) => Attribute().Matches(line)
        .ToDictionary(match => match.Groups["name"].Value, match => match.Groups["value"].Value.Trim('"'), StringComparer.Ordinal);

    internal static async Task<HlsTrack> OpenAsync(Uri playlist, IReadOnlyDictionary<string, string> attributes, string folder)
    {
        var name = Path.GetFileNameWithoutExtension(playlist.AbsolutePath);
        var (init, seconds, target, segments) = (Array.Empty<byte>(), 0d, 0, new List<HlsSegment>());
        foreach (var line in await LinesAsync(playlist))
        {
            if (line.StartsWith("#EXT-X-MAP:", StringComparison.Ordinal))
            {
                init = await ReadAsync(new(playlist, AttributesOf(line)["URI"]));
            }
            else if (line.StartsWith("#EXT-X-TARGETDURATION:", StringComparison.Ordinal))
            {
                target = int.Parse(line.Split(':')[1], CultureInfo.InvariantCulture);
            }
            else if (line.StartsWith("#EXTINF:", StringComparison.Ordinal))
            {
                seconds = double.Parse(line[8..].TrimEnd(','), CultureInfo.InvariantCulture);
            }
            else if (!line.StartsWith('#'))
            {
                var content = await ReadAsync(new(playlist, line));
                var alone = Path.Combine(folder, $"{name}-{segments.Count}.mp4");
                await File.WriteAllBytesAsync(alone, [.. init, .. content]);
                segments.Add(new(seconds, content, alone));
            }
        }

        return new(name, playlist, attributes, target, segments);
    }

    private static Task<byte[]> ReadAsync(Uri address) => address.IsFile ? File.ReadAllBytesAsync(address.LocalPath) : Http.GetByteArrayAsync(address);

    [GeneratedRegex("(?<name>[A-Z0-9-]+)=(?<value>\"[^\"]*\"|[^,]*)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Attribute();
}
