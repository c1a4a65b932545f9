using System.Globalization;

namespace Streaming.Tests.Live;

/// <summary>What a media playlist lists.</summary>
public sealed record Listing(long First, int Discontinuities, IReadOnlyList<string> Segments, double Seconds, bool HasEnded)
{
    public long Last => First + Segments.Count - 1;

    public static Listing Read(string playlist)
    {
        var lines = playlist.Split('\n');
        long Tag(string name) => lines.FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) is { } line ? long.Parse(line[name.Length..], CultureInfo.InvariantCulture) : 0;
        Assert.All(lines, line => Assert.True(!line.StartsWith("#EXTINF:", StringComparison.Ordinal) || Math.Round(Duration(line)) <= Tag("#EXT-X-TARGETDURATION:")));
        return new(
            Tag("#EXT-X-MEDIA-SEQUENCE:"), (int)Tag("#EXT-X-DISCONTINUITY-SEQUENCE:"), [.. lines.Where(line => line.StartsWith("../", StringComparison.Ordinal)).Select(line => line[3..])],
            lines.Where(line => line.StartsWith("#EXTINF:", StringComparison.Ordinal)).Sum(Duration), lines.Contains("#EXT-X-ENDLIST"));
    }

    private static double Duration(string line) => double.Parse(line[8..].TrimEnd(','), CultureInfo.InvariantCulture);
}
