using System.Collections.Concurrent;
using Lifecycle.Store.Live;
using Microsoft.Extensions.Options;

namespace Streaming.Api.Live;

/// <summary>
/// The streams that are being watched at this replica. An entry holds only what can be read again, so it may go at any time: when
/// nobody has asked for a while, and the least recently used beyond the bounds.
/// </summary>
internal sealed class LiveStreamCache(
    LiveCatalogue catalogue, IOptions<StreamOptions> streams, IOptions<LiveOptions> options, LiveMetrics metrics, TimeProvider time, ILogger<LiveStream> logger) : BackgroundService
{
    private static readonly TimeSpan _lookEvery = TimeSpan.FromSeconds(1);

    private readonly LiveReading _reading = new(catalogue, streams, metrics, time, logger);
    private readonly ConcurrentDictionary<string, LiveStream> _streams = new(StringComparer.Ordinal);
    private readonly Lock _trimming = new();

    /// <param name="id">A valid id; of what, the first read tells.</param>
    public LiveStream Open(string id)
    {
        if (!_streams.TryGetValue(id, out var stream))
        {
            LiveStream opened = new(id, _reading, Changed);
            stream = _streams.GetOrAdd(id, opened);
            if (stream == opened)
            {
                metrics.Opened();
                stream.LastUsed = time.GetTimestamp();
                Trim(stream);
            }
        }

        stream.LastUsed = time.GetTimestamp();
        return stream;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_lookEvery, time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            foreach (var stream in _streams.Values.Where(stream => time.GetElapsedTime(stream.LastUsed).TotalSeconds > options.Value.IdleSeconds))
            {
                Drop(stream);
            }
        }
    }

    private void Changed(LiveStream stream)
    {
        if (stream.Known is null)
        {
            Drop(stream); // there is no such stream
        }
        else
        {
            Trim(stream);
        }
    }

    /// <summary>Drops the least recently used beyond the bounds, but never the one that somebody waits for.</summary>
    private void Trim(LiveStream wanted)
    {
        lock (_trimming)
        {
            var weight = _streams.Values.Sum(stream => stream.Known?.Weight ?? 0);
            if (_streams.Count <= options.Value.Streams && weight <= options.Value.Bytes)
            {
                return;
            }

            foreach (var stream in _streams.Values.Where(stream => stream != wanted).OrderBy(stream => stream.LastUsed))
            {
                if (_streams.Count <= options.Value.Streams && weight <= options.Value.Bytes)
                {
                    break;
                }

                weight -= stream.Known?.Weight ?? 0;
                Drop(stream);
            }
        }
    }

    private void Drop(LiveStream stream)
    {
        if (_streams.TryRemove(new(stream.Id, stream)))
        {
            metrics.Dropped();
        }
    }
}
