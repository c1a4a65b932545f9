using System.Globalization;
using System.Text;
using Lifecycle.Contracts.Media;

namespace Streaming.Api.Playlists;

/// <summary>
/// Renders HLS playlists (RFC 8216 and its second edition's draft) from a catalogue and from nothing else.
/// <para>
/// All addresses inside are relative, so any replica, gateway or CDN can serve any of them. They resolve against the playlist's own address,
/// which ends without a slash: from <c>/stream/{id}/manifest</c>, <c>manifest/720p</c> is <c>/stream/{id}/manifest/720p</c>;
/// from there, <c>../segment/x</c> is <c>/stream/{id}/segment/x</c>.
/// </para>
/// </summary>
public static class Playlist
{
    public const string ContentType = "application/vnd.apple.mpegurl";

    /// <summary>7 is the first version whose EXT-X-MAP is allowed outside I-frame playlists.</summary>
    internal const string Header = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n";

    internal const string AudioGroup = "audio";

    private const int FirstVariantShortSide = 720;

    /// <summary>The multivariant playlist, served at <c>/stream/{id}/manifest</c>.</summary>
    public static string Multivariant(Catalogue catalogue)
    {
        var text = new StringBuilder(Header);
        if (catalogue.Video.Count == 0)
            return AudioOnly(catalogue, text);

        foreach (var audio in catalogue.Audio)
            AppendAudioTrack(text, audio);
        foreach (var rendition in FirstThenBest(catalogue.Video, rendition => Math.Min(rendition.Width, rendition.Height)))
            AppendVariant(text, catalogue, rendition);
        foreach (var rendition in catalogue.Video)
            AppendIFrames(text, rendition);
        return text.ToString();
    }

    /// <summary>
    /// The playlist at <c>/stream/{id}/manifest/{name}</c>: a track's media playlist, or with <c>-iframes</c> after a video rendition's name its I-frame playlist.
    /// Null where the catalogue has no such track.
    /// </summary>
    public static string? Media(Catalogue catalogue, string name)
    {
        if (catalogue.Tracks.FirstOrDefault(track => track.Name == name) is { } track)
            return MediaPlaylist.Segments(catalogue.Version, track);
        return catalogue.Video.FirstOrDefault(rendition => name == rendition.Name + TrackName.IFramesSuffix) is { } video
            ? MediaPlaylist.IFrames(catalogue.Version, video)
            : null;
    }

    /// <summary>Each track is a variant of its own: without video there is nothing that a group could belong to.</summary>
    private static string AudioOnly(Catalogue catalogue, StringBuilder text)
    {
        if (catalogue.Audio.Count > 1)
        {
            foreach (var track in catalogue.Audio)
                AppendAudioTrack(text, track);
        }
        foreach (var track in catalogue.Audio.Take(1))
        {
            text.Append(CultureInfo.InvariantCulture, $"#EXT-X-STREAM-INF:BANDWIDTH={track.PeakBandwidth},AVERAGE-BANDWIDTH={track.AverageBandwidth},CODECS=\"{track.Codecs}\"");
            text.Append(catalogue.Audio.Count > 1 ? $",AUDIO=\"{AudioGroup}\"" : "");
            text.Append(CultureInfo.InvariantCulture, $"\nmanifest/{track.Name}\n");
        }
        return text.ToString();
    }

    /// <summary>Players start with the first variant listed: one that starts quickly on an ordinary connection.</summary>
    /// <param name="variants">The best first.</param>
    internal static IReadOnlyList<T> FirstThenBest<T>(IReadOnlyList<T> variants, Func<T, int> shortSideOf)
    {
        var first = variants.TakeWhile(variant => shortSideOf(variant) > FirstVariantShortSide).Count();
        first = Math.Min(first, variants.Count - 1);
        return first < 0 ? variants : [variants[first], .. variants.Take(first), .. variants.Skip(first + 1)];
    }

    private static void AppendAudioTrack(StringBuilder text, AudioRendition track)
    {
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{AudioGroup}\",NAME=\"{Quotable(track.Label)}\"");
        if (track.Language != "und")
            text.Append(CultureInfo.InvariantCulture, $",LANGUAGE=\"{Quotable(track.Language)}\"");
        text.Append(CultureInfo.InvariantCulture, $",DEFAULT={(track.IsDefault ? "YES" : "NO")},AUTOSELECT=YES,CHANNELS=\"{track.Channels}\",URI=\"manifest/{track.Name}\"\n");
    }

    /// <summary>The rates include the audio that plays along: RFC 8216 asks for the largest sum of peak rates of any playable combination.</summary>
    private static void AppendVariant(StringBuilder text, Catalogue catalogue, VideoRendition rendition)
    {
        var peak = rendition.PeakBandwidth + catalogue.Audio.Select(audio => audio.PeakBandwidth).DefaultIfEmpty(0).Max();
        var average = rendition.AverageBandwidth + catalogue.Audio.Select(audio => audio.AverageBandwidth).DefaultIfEmpty(0).Max();
        var codecs = string.Join(',', catalogue.Audio.Select(audio => audio.Codecs).Distinct(StringComparer.Ordinal).Prepend(rendition.Codecs));
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{codecs}\"");
        text.Append(CultureInfo.InvariantCulture, $",RESOLUTION={rendition.Width}x{rendition.Height},FRAME-RATE={rendition.FrameRate:0.000}");
        text.Append(catalogue.Audio.Count > 0 ? $",AUDIO=\"{AudioGroup}\"" : "");
        text.Append(CultureInfo.InvariantCulture, $"\nmanifest/{rendition.Name}\n");
    }

    private static void AppendIFrames(StringBuilder text, VideoRendition rendition)
    {
        var (peak, average) = MediaPlaylist.IFrameBandwidth(rendition);
        text.Append(CultureInfo.InvariantCulture, $"#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"{rendition.Codecs}\"");
        text.Append(CultureInfo.InvariantCulture, $",RESOLUTION={rendition.Width}x{rendition.Height},URI=\"manifest/{rendition.Name}{TrackName.IFramesSuffix}\"\n");
    }

    /// <summary>A quoted string holds no quotes and no line breaks.</summary>
    private static string Quotable(string text) => text.Replace('"', '\'').Replace('\r', ' ').Replace('\n', ' ');
}
