using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Lifecycle.Contracts.Media;
using Streaming.Api.Playlists;
using Streaming.Api.Segments;

namespace Streaming.Api.Videos;

/// <summary>A READY version with all its answers made ready: immutable, as the version is.</summary>
public sealed class ServedVideo
{
    /// <summary>Measured: what an entry of the segment table holds besides its strings.</summary>
    private const int BytesPerSegment = 600;

    private readonly Dictionary<string, ServedObject> _segments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ServedText> _playlists = new(StringComparer.Ordinal);

    private ServedVideo(Catalogue catalogue, string conformance)
    {
        Version = catalogue.Version;
        Multivariant = new(Playlist.Multivariant(catalogue), Playlist.ContentType);
        Conformance = new(conformance, "application/json");
        foreach (var track in catalogue.Tracks)
        {
            AddTrack(catalogue, track);
        }

        Poster = catalogue.Poster is { } poster ? new(poster, poster.ContentType) : null;
        if (catalogue.Storyboard is { } storyboard)
        {
            StoryboardSprite = new(storyboard.Sprite, storyboard.Sprite.ContentType);
            StoryboardTrack = Playlists.StoryboardTrack.Render(catalogue) is { } track ? new(track, Playlists.StoryboardTrack.ContentType) : null;
        }

        Weight = Multivariant.Weight + Conformance.Weight + _playlists.Values.Sum(text => text.Weight) + ((long)_segments.Count * BytesPerSegment);
    }

    public int Version { get; }

    public ServedText Multivariant { get; }

    public ServedText Conformance { get; }

    public ServedText? StoryboardTrack { get; }

    public ServedObject? StoryboardSprite { get; }

    public ServedObject? Poster { get; }

    /// <summary>What it holds of memory in bytes, about.</summary>
    public long Weight { get; }

    public IEnumerable<string> Keys => _segments.Values.Concat(new[] { Poster, StoryboardSprite }.OfType<ServedObject>()).Select(served => served.Key);

    /// <exception cref="JsonException">A document cannot be read.</exception>
    public static ServedVideo Read(string catalogue, string conformance) => new(
        JsonSerializer.Deserialize(catalogue, MediaJson.Default.Catalogue) ?? throw new JsonException("The catalogue is null."), conformance);

    public bool TryGetPlaylist(string name, [NotNullWhen(true)] out ServedText? playlist) => _playlists.TryGetValue(name, out playlist);

    public bool TryGetSegment(string segmentId, [NotNullWhen(true)] out ServedObject? segment) => _segments.TryGetValue(segmentId, out segment);

    private void AddTrack(Catalogue catalogue, Track track)
    {
        foreach (var name in (ReadOnlySpan<string>)[track.Name, track.Name + TrackName.IFramesSuffix])
        {
            if (Playlist.Media(catalogue, name) is { } playlist)
            {
                _playlists.Add(name, new(playlist, Playlist.ContentType));
            }
        }

        AddSegment(new(Version, track.Name, null), track.Init);
        for (var index = 0; index < track.Segments.Count; index++)
        {
            AddSegment(new(Version, track.Name, index), track.Segments[index].Object);
        }
    }

    // Every kind is video/mp4: the contract wants video/*, and players do not look at it.
    private void AddSegment(SegmentId id, StoredObject stored) => _segments.Add(id.ToString(), new(stored, "video/mp4"));
}
