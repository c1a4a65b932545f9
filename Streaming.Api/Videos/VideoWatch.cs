using Lifecycle.Contracts.Messaging;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store;
using Lifecycle.Store.Messaging;
using Lifecycle.Store.Videos;
using Microsoft.Extensions.Options;

namespace Streaming.Api.Videos;

/// <summary>
/// Keeps the cache true. Events make it fast: a deletion is honoured in milliseconds. Comparing all cached videos with the
/// database makes it certain: after each reconnect to the broker, and every few seconds whether or not the broker is there.
/// With the database away too, what is cached is served on.
/// </summary>
public sealed partial class VideoWatch(VideoCache cache, VideoStore store, IOptions<StreamingOptions> options, ILogger<VideoWatch> logger)
    : BackgroundService, IVideoEventsHandler
{
    private static readonly string _deleted = VideoLifecycle.Table.NameOf(VideoState.Deleted);

    private readonly SemaphoreSlim _wake = new(0);

    public Task OnChangedAsync(VideoStateChanged change, CancellationToken ct)
    {
        if (change.State == _deleted)
        {
            cache.Delete(change.VideoId);
        }
        else if (cache.Invalidate(change.VideoId))
        {
            _wake.Release(); // a new version of a cached video
        }

        return Task.CompletedTask;
    }

    public Task OnConnectedAsync(CancellationToken ct)
    {
        _wake.Release();
        return Task.CompletedTask;
    }

    public void OnDisconnected()
    {
        // The comparison goes on as before.
    }

    public override void Dispose()
    {
        base.Dispose();
        _wake.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var seconds = options.Value.RecheckSeconds;
        while (true)
        {
            await _wake.WaitAsync(TimeSpan.FromSeconds(seconds), stoppingToken);
            while (await _wake.WaitAsync(0, stoppingToken))
            {
                // One comparison answers for all that was signalled before it.
            }

            try
            {
                await CompareAsync(stoppingToken);
                seconds = options.Value.RecheckSeconds;
            }
            catch (Exception exception) when (Outages.IsOutage(exception))
            {
                seconds = 1; // what woke it is still to be answered
                Log.CannotCompare(logger, exception.Message);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                seconds = 1;
                Log.CompareFailed(logger, exception);
            }
        }
    }

    private async Task CompareAsync(CancellationToken ct)
    {
        var served = cache.Served;
        if (served.Count == 0)
        {
            return;
        }

        using var within = CancellationTokenSource.CreateLinkedTokenSource(ct);
        within.CancelAfter(TimeSpan.FromSeconds(options.Value.RecheckSeconds));
        IReadOnlyDictionary<Guid, ServedFrom> visible;
        try
        {
            visible = await store.ServedAmongAsync([.. served.Keys], within.Token);
        }
        catch (OperationCanceledException exception) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException("The database did not answer in time.", exception);
        }

        foreach (var (videoId, from) in served)
        {
            if (!visible.TryGetValue(videoId, out var current))
            {
                cache.Delete(videoId);
            }
            else if (current != from)
            {
                await cache.RefreshAsync(videoId, ct);
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Cached videos could not be compared with the database: {Reason}; they are served on")]
        public static partial void CannotCompare(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Cached videos could not be compared with the database; they are served on")]
        public static partial void CompareFailed(ILogger logger, Exception exception);
    }
}
