using System.Collections.Concurrent;
using Lifecycle.Store.Edge;

namespace Streaming.Api.Videos;

/// <summary>
/// Counts manifests by video, and adds them to the database's counts now and then. What a crash loses is a few seconds of them, and what the gateway's
/// cache answers is not seen: popularity needs no more.
/// </summary>
public sealed class ViewCounts(EdgeCopies copies)
{
    /// <summary>Videos between two flushes; what is beyond is not counted.</summary>
    private const int MostVideos = 10_000;

    private readonly ConcurrentDictionary<Guid, long> _views = new();

    public void Add(Guid videoId)
    {
        if (_views.Count < MostVideos || _views.ContainsKey(videoId))
        {
            _views.AddOrUpdate(videoId, 1, static (_, count) => count + 1);
        }
    }

    public async Task FlushAsync(CancellationToken ct)
    {
        Dictionary<Guid, long> taken = [];
        foreach (var videoId in _views.Keys)
        {
            if (_views.TryRemove(videoId, out var count))
            {
                taken[videoId] = count;
            }
        }

        if (taken.Count == 0)
        {
            return;
        }

        try
        {
            await copies.AddViewsAsync(taken, ct);
        }
        catch
        {
            foreach (var (videoId, count) in taken)
            {
                _views.AddOrUpdate(videoId, count, (_, since) => since + count);
            }

            throw;
        }
    }
}
