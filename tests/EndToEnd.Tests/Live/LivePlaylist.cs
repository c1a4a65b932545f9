using System.Globalization;

namespace EndToEnd.Tests.Live;

/// <param name="Discontinuity">How many discontinuities of the stream lie before it, as far as playlists tell.</param>
/// <param name="Map">Its initialization segment.</param>
internal sealed record ListedSegment(long Sequence, int Discontinuity, double Seconds, Uri Address, Uri Map);

/// <summary>A media playlist as RFC 8216 has it read, and no more of it than the tests ask.</summary>
internal sealed record LivePlaylist(IReadOnlyList<ListedSegment> Segments, double TargetSeconds, double HoldBackSeconds, bool HasEnded)
{
    public static LivePlaylist Parse(Uri address, string text)
    {
        List<ListedSegment> segments = [];
        var (sequence, discontinuity, seconds, target, holdBack) = (0L, 0, 0d, 0d, 0d);
        Uri? map = null;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            switch (line.Split(':')[0])
            {
                case "#EXT-X-MEDIA-SEQUENCE":
                    sequence = long.Parse(After(line), CultureInfo.InvariantCulture);
                    break;
                case "#EXT-X-DISCONTINUITY-SEQUENCE":
                    discontinuity = int.Parse(After(line), CultureInfo.InvariantCulture);
                    break;
                case "#EXT-X-DISCONTINUITY":
                    discontinuity++;
                    break;
                case "#EXT-X-TARGETDURATION":
                    target = double.Parse(After(line), CultureInfo.InvariantCulture);
                    break;
                case "#EXT-X-SERVER-CONTROL":
                    holdBack = double.Parse(After(line).Split("HOLD-BACK=")[1].Split(',')[0], CultureInfo.InvariantCulture);
                    break;
                case "#EXT-X-MAP":
                    map = new(address, After(line).Split('"')[1]);
                    break;
                case "#EXTINF":
                    seconds = double.Parse(After(line).TrimEnd(','), CultureInfo.InvariantCulture);
                    break;
                default:
                    if (!line.StartsWith('#'))
                    {
                        segments.Add(new(sequence++, discontinuity, seconds, new(address, line), map ?? throw new FormatException($"A segment before any EXT-X-MAP:\n{text}")));
                    }

                    break;
            }
        }

        return new(segments, target, holdBack, text.Contains("#EXT-X-ENDLIST", StringComparison.Ordinal));
    }

    /// <summary>What a player begins with that keeps its distance from the end; null: there is not enough yet.</summary>
    public ListedSegment? AtHoldBack()
    {
        var distance = 0d;
        for (var i = Segments.Count - 1; i >= 0; i--)
        {
            distance += Segments[i].Seconds;
            if (distance >= HoldBackSeconds - 0.001)
            {
                return Segments[i];
            }
        }

        return null;
    }

    private static string After(string line) => line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..];
}
