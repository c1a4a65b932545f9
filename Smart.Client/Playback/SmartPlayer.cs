using Microsoft.Extensions.Options;
using Smart.Client.Buffering;
using Smart.Client.Downloads;
using Smart.Client.Network;
using Storage.Fabric.Chunks;

namespace Smart.Client.Playback;

/// <summary>Plays videos of the chunk store: <c>await player.PlayAsync(videoId, sink, ct)</c>.</summary>
public sealed partial class SmartPlayer(
    MetadataClient metadata, NetworkMonitor monitor, ChunkDownloader downloader, IOptions<SmartClientOptions> options, TimeProvider time, ILogger<SmartPlayer> logger)
{
    private static readonly TimeSpan _viewWithin = TimeSpan.FromSeconds(5);

    private readonly SmartClientOptions _options = options.Value;
    private int _open;

    /// <summary>The latest playback, also when it is over; null before the first.</summary>
    public PlaybackSession? Current { get; private set; }

    /// <summary>Plays a video in real time.</summary>
    public Task PlayAsync(Guid videoId, ChunkSink sink, CancellationToken ct) => PlayAsync(videoId, sink, Pace.RealTime, ct);

    /// <exception cref="VideoNotFoundException">There is no such video.</exception>
    /// <exception cref="TooManyPlaybacksException">As many playbacks run as may.</exception>
    /// <exception cref="HttpRequestException">The metadata service is away.</exception>
    /// <exception cref="ChunkUnavailableException">A chunk could not be had.</exception>
    public async Task PlayAsync(Guid videoId, ChunkSink sink, Pace pace, CancellationToken ct)
    {
        using var session = await OpenAsync(videoId, pace, ct);
        await session.PlayAsync(sink, ct);
    }

    /// <summary>Reads the manifest; the playback begins with <see cref="PlaybackSession.PlayAsync"/>. Its place is taken until it is disposed of.</summary>
    public async Task<PlaybackSession> OpenAsync(Guid videoId, Pace pace, CancellationToken ct)
    {
        var asked = time.GetTimestamp();
        var manifest = await FindAsync(videoId, ct) ?? throw new VideoNotFoundException(videoId);
        return Open(manifest, new(0, manifest.Chunks.Count), isView: true, pace, asked);
    }

    /// <summary>A playback of some of a video's chunks.</summary>
    /// <param name="isView">Whether it counts as one.</param>
    /// <param name="asked">The clock's timestamp when the viewer asked: where its startup latency begins.</param>
    /// <exception cref="TooManyPlaybacksException">As many playbacks run as may.</exception>
    public PlaybackSession Open(ChunkManifest manifest, ChunkSpan span, bool isView, Pace pace, long asked)
    {
        if (Interlocked.Increment(ref _open) > _options.Playbacks)
        {
            Closed();
            throw new TooManyPlaybacksException(_options.Playbacks);
        }

        monitor.Watch(manifest);
        return Current = new(this, manifest, span, isView, pace, asked, _options, time, logger);
    }

    /// <summary>Null: there is no such video, or it has no chunks.</summary>
    public async Task<ChunkManifest?> FindAsync(Guid videoId, CancellationToken ct) =>
        await metadata.ManifestAsync(videoId, ct) is { Chunks.Count: > 0 and <= Timeline.MostChunks } manifest ? manifest : null;

    internal void Closed() => Interlocked.Decrement(ref _open);

    internal ChunkFeed FeedOf(ChunkManifest manifest, PlaybackState state) => new(manifest, state, downloader, metadata, _options, time, logger);

    /// <summary>Once in a playback. One that cannot be counted is played all the same.</summary>
    internal async Task CountViewAsync(Guid videoId)
    {
        using CancellationTokenSource within = new(_viewWithin, time); // of its own: who leaves after a second has watched too
        try
        {
            await metadata.ViewAsync(videoId, within.Token);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            Log.NotCounted(logger, videoId, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "A view of video {VideoId} was not counted: {Reason}")]
        public static partial void NotCounted(ILogger logger, Guid videoId, string reason);
    }
}
