using Lifecycle.Contracts.Media;

namespace Streaming.Api.Playlists;

/// <summary>Renders playlists from a catalogue and from nothing else. All addresses inside are relative.</summary>
public static class Playlist
{
    public const string ContentType = "application/vnd.apple.mpegurl";

    /// <summary>The multivariant playlist, served at <c>/stream/{id}/manifest</c>.</summary>
    public static string Multivariant(Catalogue catalogue) => throw new NotSupportedException("not yet");

    /// <summary>
    /// The playlist at <c>/stream/{id}/manifest/{name}</c>: a track's media playlist, or with <c>-iframes</c> after a video rendition's name its I-frame playlist.
    /// Null where the catalogue has no such track.
    /// </summary>
    public static string? Media(Catalogue catalogue, string name) => throw new NotSupportedException("not yet");
}

/// <summary>The storyboard's WebVTT, served at <c>/stream/{id}/storyboard.vtt</c>.</summary>
public static class StoryboardTrack
{
    public const string ContentType = "text/vtt";

    public static string Render(Catalogue catalogue) => throw new NotSupportedException("not yet");
}
