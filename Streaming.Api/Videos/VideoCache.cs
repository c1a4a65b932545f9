using System.Collections.Concurrent;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store;
using Lifecycle.Store.Videos;
using Microsoft.Extensions.Options;
using Streaming.Api.Edge;
using Streaming.Api.Segments;

namespace Streaming.Api.Videos;

/// <summary>
/// What this replica knows of videos. READY versions stay until they are deleted, replaced or least recently used; "unknown"
/// and "not ready" only for a moment. One read of the database for each video at a time, whoever asks.
/// A change takes the video's slot out of the table: a read that began before it may finish, but what it found is not kept.
/// </summary>
public sealed partial class VideoCache(
    VideoStore store, SegmentCache segments, EdgeTier edge, IOptions<StreamingOptions> options, StreamingMetrics metrics, TimeProvider time, ILogger<VideoCache> logger)
{
    /// <summary>Bounds the memory of rendered playlists and segment tables: about a hundred films of four hours.</summary>
    private const long LargestWeight = 512L << 20;

    /// <summary>"Unknown" and "not ready" answers kept; tombstones among them.</summary>
    private const int MostRefusals = 4096;

    private const int Tries = 3;

    /// <summary>How long such an answer is kept: short, so that READY shows at once even if its event is lost.</summary>
    private static readonly TimeSpan _refusalFor = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan _loadWithin = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan _retryAfter = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<Guid, Slot> _slots = new();
    private readonly ConcurrentDictionary<Guid, (VideoAnswer Answer, long Until)> _refusals = new();
    private readonly Lock _trimming = new();

    /// <summary>The READY videos that are cached, with what they are served from.</summary>
    public IReadOnlyDictionary<Guid, ServedFrom> Served => _slots.Where(slot => slot.Value.Answer?.Video is not null).ToDictionary(slot => slot.Key, slot => slot.Value.Answer!.Video!.From);

    public ValueTask<VideoAnswer> FindAsync(Guid videoId, CancellationToken ct)
    {
        var now = time.GetTimestamp();
        if (_slots.TryGetValue(videoId, out var slot) && slot.Answer is { } answer)
        {
            slot.LastUsed = now;
            return new(answer);
        }

        if (_refusals.TryGetValue(videoId, out var refusal) && now < refusal.Until)
        {
            return new(refusal.Answer);
        }

        return new(_slots.GetOrAdd(videoId, static _ => new()).LoadOnce(this, videoId).WaitAsync(ct));
    }

    /// <summary>Something changed: what is not READY here is forgotten. A READY version stays until <see cref="RefreshAsync"/> has the next.</summary>
    /// <returns>True where a READY version is cached.</returns>
    public bool Invalidate(Guid videoId)
    {
        _refusals.TryRemove(videoId, out _);
        if (!_slots.TryGetValue(videoId, out var slot))
        {
            return false;
        }

        if (slot.Answer is not null)
        {
            return true;
        }

        _slots.TryRemove(new(videoId, slot));
        return false;
    }

    /// <summary>Forgets a video for ever, and its segments. No id is issued twice, so this needs no end.</summary>
    public void Delete(Guid videoId)
    {
        Refuse(videoId, VideoAnswer.Missing, long.MaxValue);
        if (_slots.TryRemove(videoId, out var slot) && slot.Answer?.Video is { } video)
        {
            segments.Remove(video.Keys);
            Log.Deleted(logger, videoId);
        }
    }

    /// <summary>Reads a cached video anew and switches to what is found.</summary>
    public async Task RefreshAsync(Guid videoId, CancellationToken ct)
    {
        Slot next = new();
        if (_slots.TryGetValue(videoId, out var current) && await next.LoadOnce(this, videoId).WaitAsync(ct) is { Video: { } video })
        {
            _slots.TryUpdate(videoId, next, current);
            Log.Refreshed(logger, videoId, video.From.Version);
        }
    }

    private EdgeCopy? OpenEdge(PublishedVideo ready) => ready.EdgeCopy is { } copyId ? edge.Open(copyId) : null;

    private async Task<VideoAnswer> LoadAsync(Guid videoId, Slot slot)
    {
        using var activity = StreamingMetrics.Source.StartActivity("video load");
        activity?.SetTag("video.id", videoId);
        metrics.VideoLoaded();
        try
        {
            using CancellationTokenSource within = new(_loadWithin, time);
            var answer = await ReadAsync(videoId, within.Token) switch
            {
                null => VideoAnswer.Missing,
                { State: VideoState.Ready, Catalogue: { } catalogue } ready => VideoAnswer.Served(ServedVideo.Read(catalogue, ready.Conformance ?? "{}", OpenEdge(ready))),
                var other => VideoAnswer.NotReady(other.State),
            };
            Keep(videoId, slot, answer);
            return answer;
        }
        catch (Exception exception) when (Outages.IsOutage(exception) || exception is OperationCanceledException)
        {
            Log.DatabaseAway(logger, videoId, exception.Message);
            _slots.TryRemove(new(videoId, slot));
            return VideoAnswer.Unavailable;
        }
        catch
        {
            _slots.TryRemove(new(videoId, slot)); // the next request tries again; those that wait get the exception
            throw;
        }
    }

    /// <summary>After a restart of the database each pooled connection breaks once: that is no outage yet.</summary>
    private async Task<PublishedVideo?> ReadAsync(Guid videoId, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await store.PublishedAsync(videoId, ct);
            }
            catch (Exception exception) when (tries < Tries && Outages.IsOutage(exception))
            {
                await Task.Delay(_retryAfter * tries, time, ct);
            }
        }
    }

    private void Keep(Guid videoId, Slot slot, VideoAnswer answer)
    {
        if (answer.Video is not null)
        {
            slot.LastUsed = time.GetTimestamp();
            slot.Answer = answer;
            Trim();
        }
        else if (_slots.TryRemove(new(videoId, slot)))
        {
            Refuse(videoId, answer, time.GetTimestamp() + (long)(_refusalFor.TotalSeconds * time.TimestampFrequency));
        }
    }

    private void Refuse(Guid videoId, VideoAnswer answer, long until)
    {
        if (_refusals.Count >= MostRefusals)
        {
            _refusals.Clear(); // the database knows them all
        }

        _refusals[videoId] = (answer, until);
    }

    /// <summary>Drops the least recently used beyond the bounds, a tenth more than needed, so that it is seldom done.</summary>
    private void Trim()
    {
        lock (_trimming)
        {
            var loaded = _slots.Where(slot => slot.Value.Answer is not null).ToList();
            var weight = loaded.Sum(slot => slot.Value.Answer!.Video!.Weight);
            var most = options.Value.Videos;
            if (loaded.Count <= most && weight <= LargestWeight)
            {
                return;
            }

            var count = loaded.Count;
            foreach (var slot in loaded.OrderBy(slot => slot.Value.LastUsed))
            {
                if (count <= Math.Max(1, most * 9L / 10) && weight <= LargestWeight / 10 * 9)
                {
                    break;
                }

                _slots.TryRemove(slot);
                count--;
                weight -= slot.Value.Answer!.Video!.Weight;
            }
        }
    }

    private sealed class Slot
    {
        private readonly Lock _gate = new();
        private Task<VideoAnswer>? _load;

        /// <summary>Set only for READY.</summary>
        public volatile VideoAnswer? Answer;

        public long LastUsed;

        public Task<VideoAnswer> LoadOnce(VideoCache cache, Guid videoId)
        {
            lock (_gate)
            {
                // Not on the caller's thread or token: the load belongs to everybody who waits for it.
                return _load ??= Task.Run(() => cache.LoadAsync(videoId, this));
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Video {VideoId} is not cached and the database is away: {Reason}")]
        public static partial void DatabaseAway(ILogger logger, Guid videoId, string reason);

        [LoggerMessage(Level = LogLevel.Information, Message = "Video {VideoId} was deleted; it is evicted")]
        public static partial void Deleted(ILogger logger, Guid videoId);

        [LoggerMessage(Level = LogLevel.Information, Message = "Video {VideoId} is now served in version {Version}")]
        public static partial void Refreshed(ILogger logger, Guid videoId, int version);
    }
}
