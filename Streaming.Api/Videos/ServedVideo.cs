using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Lifecycle.Contracts.Media;
using Lifecycle.Store.Videos;
using Streaming.Api.Edge;
using Streaming.Api.Playlists;
using Streaming.Api.Segments;

namespace Streaming.Api.Videos;

/// <summary>A READY version with all its answers made ready: immutable, as the version is.</summary>
public sealed class ServedVideo
{
    /// <summary>Measured: what an entry of the segment table holds besides its strings.</summary>
    private const int BytesPerSegment = 600;

    /// <summary>And a chunk of its edge copy, coded, in the manifest.</summary>
    private const int BytesPerChunk = 2000;

    private readonly Dictionary<string, ServedObject> _segments = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ServedText> _playlists = new(StringComparer.Ordinal);

    private ServedVideo(Catalogue catalogue, string conformance, EdgeCopy? edge)
    {
        From = new(catalogue.Version, edge?.Id);
        IReadOnlyList<EdgePlace> places = edge is null ? [] : EdgeLayout.Of(catalogue);
        var firsts = places.DistinctBy(place => place.Object.Key).ToDictionary(place => place.Object.Key, place => place.First, StringComparer.Ordinal);
        Multivariant = new(Playlist.Multivariant(catalogue), Playlist.ContentType);
        Conformance = new(conformance, "application/json");
        foreach (var track in catalogue.Tracks)
        {
            AddTrack(catalogue, track, stored => edge is null ? null : new(edge, firsts[stored.Key]));
        }

        Poster = catalogue.Poster is { } poster ? new(poster, poster.ContentType) : null;
        if (catalogue.Storyboard is { } storyboard)
        {
            StoryboardSprite = new(storyboard.Sprite, storyboard.Sprite.ContentType);
            StoryboardTrack = Playlists.StoryboardTrack.Render(catalogue) is { } track ? new(track, Playlists.StoryboardTrack.ContentType) : null;
        }

        Weight = Multivariant.Weight + Conformance.Weight + _playlists.Values.Sum(text => text.Weight) + ((long)_segments.Count * BytesPerSegment)
            + (places.Sum(place => (long)place.Count) * BytesPerChunk);
    }

    public ServedFrom From { get; }

    public ServedText Multivariant { get; }

    public ServedText Conformance { get; }

    public ServedText? StoryboardTrack { get; }

    public ServedObject? StoryboardSprite { get; }

    public ServedObject? Poster { get; }

    /// <summary>What it holds of memory in bytes, about.</summary>
    public long Weight { get; }

    public IEnumerable<string> Keys => _segments.Values.Concat(new[] { Poster, StoryboardSprite }.OfType<ServedObject>()).Select(served => served.Key);

    /// <exception cref="JsonException">A document cannot be read.</exception>
    public static ServedVideo Read(string catalogue, string conformance, EdgeCopy? edge) => new(
        JsonSerializer.Deserialize(catalogue, MediaJson.Default.Catalogue) ?? throw new JsonException("The catalogue is null."), conformance, edge);

    public bool TryGetPlaylist(string name, [NotNullWhen(true)] out ServedText? playlist) => _playlists.TryGetValue(name, out playlist);

    public bool TryGetSegment(string segmentId, [NotNullWhen(true)] out ServedObject? segment) => _segments.TryGetValue(segmentId, out segment);

    private void AddTrack(Catalogue catalogue, Track track, Func<StoredObject, EdgeSegment?> onEdge)
    {
        foreach (var name in (ReadOnlySpan<string>)[track.Name, track.Name + TrackName.IFramesSuffix])
        {
            if (Playlist.Media(catalogue, name) is { } playlist)
            {
                _playlists.Add(name, new(playlist, Playlist.ContentType));
            }
        }

        AddSegment(new(From.Version, track.Name, null), track.Init, onEdge);
        for (var index = 0; index < track.Segments.Count; index++)
        {
            AddSegment(new(From.Version, track.Name, index), track.Segments[index].Object, onEdge);
        }
    }

    // Every kind is video/mp4: the contract wants video/*, and players do not look at it.
    private void AddSegment(SegmentId id, StoredObject stored, Func<StoredObject, EdgeSegment?> onEdge) => _segments.Add(id.ToString(), new(stored, "video/mp4", onEdge(stored)));
}
