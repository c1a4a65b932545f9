using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Media;
using Lifecycle.Store.Live;
using Streaming.Api.Playlists;
using Streaming.Api.Segments;
using Streaming.Api.Videos;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Api.Live;

/// <summary>A stream as it was at one moment, immutable; its texts are made once, when somebody first wants them.</summary>
internal sealed class LiveView
{
    /// <summary>About a segment: nothing changes more often.</summary>
    private const int RetrySeconds = LivePlaylist.TargetSeconds;

    /// <summary>Of a stream that is over and has nothing to show.</summary>
    private const int OverRetrySeconds = 60;

    /// <summary>About what a segment of one track holds: its object's key, checksum and ETag, and its lines in the playlist's three forms.</summary>
    private const int BytesPerFile = 900;

    private readonly ConcurrentDictionary<string, Lazy<ServedText>> _playlists = new(StringComparer.Ordinal);
    private readonly Lazy<ServedText> _multivariant;
    private readonly LiveMetrics _metrics;
    private readonly string _query;

    public LiveView(LiveStreamRow stream, LiveTimeline timeline, LiveMetrics metrics)
    {
        (Stream, Timeline, _metrics, _query) = (stream, timeline, metrics, Entitlement.Query(stream.Entitlement));
        Weight = timeline.Kept.Sum(segment => (long)segment.Files.Count) * BytesPerFile;
        _multivariant = new(() => Rendered(LiveMultivariant.Render(timeline, _query)));
        if (!stream.IsOpen || timeline.Kept.Length == 0)
        {
            var state = StreamLifecycle.Table.NameOf(stream.Status);
            NotReady = new(Problems.NotReady, "Nothing of the stream can be played yet.", StreamLifecycle.IsOver(stream.Status) ? OverRetrySeconds : RetrySeconds, state);
        }
    }

    public LiveStreamRow Stream { get; }

    public LiveTimeline Timeline { get; }

    /// <summary>Why there is no playlist; null where there is.</summary>
    public ProblemResult? NotReady { get; }

    public ServedText Multivariant => _multivariant.Value;

    /// <summary>What it holds of memory in bytes, about, if all of its texts are wanted.</summary>
    public long Weight { get; }

    /// <summary>A name of any generation that is still listed, or just was.</summary>
    public bool TryGetPlaylist(string name, [NotNullWhen(true)] out ServedText? playlist)
    {
        if (!_playlists.TryGetValue(name, out var rendered)
            && Timeline.Generations.SelectMany(generation => generation.Tracks).FirstOrDefault(track => track.Name == name) is { } track)
        {
            rendered = _playlists.GetOrAdd(name, _ => new(() => Rendered(LivePlaylist.Render(Timeline, name, track.Row.IsVideo, _query, Stream.HasEnded))));
        }

        playlist = rendered?.Value;
        return playlist is not null;
    }

    public ServedObject? Find(SegmentId id) => Timeline.Find(id);

    private ServedText Rendered(string text)
    {
        _metrics.Rendered();
        return new(text, Playlist.ContentType);
    }
}
