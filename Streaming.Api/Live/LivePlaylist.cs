using System.Globalization;
using System.Text;
using Lifecycle.Contracts.Media;

namespace Streaming.Api.Live;

/// <summary>
/// A live media playlist (RFC 8216, 4.3.3 and 6.2.2): a window that slides. The same text of every replica for the same last segment.
/// <para>
/// No blocking reload (CAN-BLOCK-RELOAD): it promises the next segment within three target durations, and an input may stay away for
/// longer than that before its broadcast is over; players take the broken promise for a broken server.
/// </para>
/// </summary>
internal static class LivePlaylist
{
    /// <summary>Of every segment, and so for the whole life of every stream (6.2.1: it must not change).</summary>
    public const int TargetSeconds = 2;

    /// <summary>How far from the end players begin: the least that is allowed, three target durations.</summary>
    private const string HoldBack = "#EXT-X-SERVER-CONTROL:HOLD-BACK=6.0\n";

    /// <param name="timeline">With a segment at least.</param>
    /// <param name="track">The playlist's name.</param>
    /// <param name="isVideo">What kind it is.</param>
    /// <param name="query">What every address carries: empty, or <c>?entitlement=...</c>.</param>
    /// <param name="hasEnded">No segment follows.</param>
    public static string Render(LiveTimeline timeline, string track, bool isVideo, string query, bool hasEnded)
    {
        var window = timeline.Window.Span;
        var text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-TARGETDURATION:{TargetSeconds}\n#EXT-X-MEDIA-SEQUENCE:{window[0].Sequence}\n");
        if (DiscontinuitySequence(window[0]) is > 0 and var earlier)
        {
            text.Append(CultureInfo.InvariantCulture, $"#EXT-X-DISCONTINUITY-SEQUENCE:{earlier}\n");
        }

        text.Append(HoldBack);
        LiveGeneration? generation = null;
        var index = 0;
        foreach (var segment in window)
        {
            if (IsDiscontinuity(segment))
            {
                text.Append("#EXT-X-DISCONTINUITY\n");
            }

            var enters = segment.Generation != generation;
            generation = segment.Generation;
            index = enters ? generation.IndexFor(track, isVideo) : index;
            var name = generation.Tracks[index].Name;
            var file = segment.Files[index];
            if (enters)
            {
                text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MAP:URI=\"../segment/{new SegmentId(generation.Number, name, null)}{query}\"\n");
                text.Append(CultureInfo.InvariantCulture, $"#EXT-X-PROGRAM-DATE-TIME:{file.At:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}\n");
            }

            text.Append(CultureInfo.InvariantCulture, $"#EXTINF:{file.Microseconds / 1_000_000}.{file.Microseconds % 1_000_000:000000},\n");
            text.Append(CultureInfo.InvariantCulture, $"../segment/{new SegmentId(generation.Number, name, (int)segment.Sequence)}{query}\n");
        }

        return text.Append(hasEnded ? "#EXT-X-ENDLIST\n" : "").ToString();
    }

    /// <summary>The stream's very first segment follows nothing.</summary>
    private static bool IsDiscontinuity(LiveSegment segment) => segment.Begins && segment.Generation.Earlier > 0;

    /// <summary>The discontinuities that the window has left behind: one that still stands before its first segment is not among them.</summary>
    private static int DiscontinuitySequence(LiveSegment first) => first.Generation.Earlier - (IsDiscontinuity(first) ? 1 : 0);
}
