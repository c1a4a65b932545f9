using System.Globalization;
using System.Text;
using Lifecycle.Contracts.Media;

namespace Streaming.Api.Playlists;

/// <summary>One track's playlist, from the measured segments.</summary>
internal static class MediaPlaylist
{
    public static string Segments(int version, Track track)
    {
        var text = Begin(version, track, iFrames: false);
        for (var i = 0; i < track.Segments.Count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"#EXTINF:{track.SecondsOf(track.Segments[i]):0.000000},\n");
            text.Append(CultureInfo.InvariantCulture, $"../segment/{new SegmentId(version, track.Name, i)}\n");
        }
        return text.Append("#EXT-X-ENDLIST\n").ToString();
    }

    /// <summary>The first sample of each segment, with the boxes before it, as a byte range.</summary>
    public static string IFrames(int version, VideoRendition rendition)
    {
        var text = Begin(version, rendition, iFrames: true);
        for (var i = 0; i < rendition.Segments.Count; i++)
        {
            text.Append(CultureInfo.InvariantCulture, $"#EXTINF:{rendition.SecondsOf(rendition.Segments[i]):0.000000},\n");
            text.Append(CultureInfo.InvariantCulture, $"#EXT-X-BYTERANGE:{rendition.Segments[i].KeyFrameBytes}@0\n");
            text.Append(CultureInfo.InvariantCulture, $"../segment/{new SegmentId(version, rendition.Name, i)}\n");
        }
        return text.Append("#EXT-X-ENDLIST\n").ToString();
    }

    public static (int Peak, int Average) IFrameBandwidth(VideoRendition rendition) => (
        (int)Math.Ceiling(rendition.Segments.Max(segment => segment.KeyFrameBytes * 8 / rendition.SecondsOf(segment))),
        (int)Math.Ceiling(rendition.Segments.Sum(segment => segment.KeyFrameBytes) * 8 / rendition.Segments.Sum(rendition.SecondsOf)));

    private static StringBuilder Begin(int version, Track track, bool iFrames)
    {
        var target = track.Segments.Max(segment => Math.Max(1, (int)Math.Round(track.SecondsOf(segment), MidpointRounding.AwayFromZero)));
        var text = new StringBuilder("#EXTM3U\n#EXT-X-VERSION:7\n");
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-TARGETDURATION:{target}\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n");
        text.Append(iFrames ? "#EXT-X-I-FRAMES-ONLY\n" : "#EXT-X-INDEPENDENT-SEGMENTS\n");
        return text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MAP:URI=\"../segment/{new SegmentId(version, track.Name, null)}\"\n");
    }
}
