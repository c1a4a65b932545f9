using System.Globalization;
using System.Text;
using Streaming.Api.Playlists;

namespace Streaming.Api.Live;

/// <summary>A live stream's multivariant playlist: the tracks of the newest generation.</summary>
internal static class LiveMultivariant
{
    /// <summary>RFC 8216, 4.1: segments shorter than half the target duration say nothing of the peak rate.</summary>
    private const long ShortestForPeak = LivePlaylist.TargetSeconds * 1_000_000L / 2;

    /// <param name="timeline">With a segment at least.</param>
    /// <param name="query">What every address carries: empty, or <c>?entitlement=...</c>.</param>
    public static string Render(LiveTimeline timeline, string query)
    {
        var tracks = timeline.Window.Span[^1].Generation.Tracks;
        var rates = tracks.Select((_, index) => Rate(timeline, index)).ToList();
        var sound = Enumerable.Range(0, tracks.Count).FirstOrDefault(index => !tracks[index].Row.IsVideo, -1);
        var text = new StringBuilder(Playlist.Header);
        var pictures = Playlist.FirstThenBest(
            [.. Enumerable.Range(0, tracks.Count).Where(index => tracks[index].Row.IsVideo)], index => Math.Min(tracks[index].Row.Width ?? 0, tracks[index].Row.Height ?? 0));
        if (pictures.Count > 0 && sound >= 0)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{Playlist.AudioGroup}\",NAME=\"Audio\",DEFAULT=YES,AUTOSELECT=YES,URI=\"manifest/{tracks[sound].Name}{query}\"\n");
        }

        foreach (var index in pictures.Count > 0 ? pictures : [sound])
        {
            var row = tracks[index].Row;
            var plays = pictures.Count > 0 && sound >= 0 ? rates[sound] : default; // the rates are those of what plays together
            var codecs = pictures.Count > 0 && sound >= 0 ? $"{row.Codecs},{tracks[sound].Row.Codecs}" : row.Codecs;
            text.Append(CultureInfo.InvariantCulture,
                $"#EXT-X-STREAM-INF:BANDWIDTH={rates[index].Peak + plays.Peak},AVERAGE-BANDWIDTH={rates[index].Average + plays.Average},CODECS=\"{codecs}\"");
            text.Append(row is { Width: { } width, Height: { } height } ? $",RESOLUTION={width}x{height}" : "");
            text.Append(row.FrameRate is { } rate ? string.Create(CultureInfo.InvariantCulture, $",FRAME-RATE={rate:0.000}") : "");
            text.Append(pictures.Count > 0 && sound >= 0 ? $",AUDIO=\"{Playlist.AudioGroup}\"" : "");
            text.Append(pictures.Count > 0 ? ",CLOSED-CAPTIONS=NONE" : "");
            text.Append(CultureInfo.InvariantCulture, $"\nmanifest/{row.Name}{query}\n");
        }

        return text.ToString();
    }

    /// <summary>The peak is what the encoder may take, or more where it took more; the average is what it takes.</summary>
    private static (long Peak, long Average) Rate(LiveTimeline timeline, int index)
    {
        var newest = timeline.Window.Span[^1].Generation;
        long peak = newest.Tracks[index].Row.Bandwidth, bits = 0, microseconds = 0;
        foreach (var segment in timeline.Window.Span)
        {
            if (segment.Generation == newest)
            {
                var file = segment.Files[index];
                bits += file.Object.Bytes * 8;
                microseconds += file.Microseconds;
                peak = file.Microseconds >= ShortestForPeak ? Math.Max(peak, PerSecond(file.Object.Bytes * 8, file.Microseconds)) : peak;
            }
        }

        return (peak, Math.Min(peak, PerSecond(bits, microseconds)));
    }

    private static long PerSecond(long bits, long microseconds) => (long)Math.Ceiling(bits * 1e6 / microseconds);
}
