using System.Collections.Concurrent;
using System.Threading.Channels;
using Lifecycle.Contracts.Messaging;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store;
using Lifecycle.Store.Messaging;
using Lifecycle.Store.Videos;

namespace Upload.Api.Status;

/// <summary>
/// Gives every open status stream of this replica the changes of its video. Events come from the broker; after a reconnect
/// and while the broker is away the database is asked instead.
/// </summary>
public sealed partial class StatusHub(VideoStore videos, TimeProvider time, ILogger<StatusHub> logger) : BackgroundService, IVideoEventsHandler
{
    private static readonly TimeSpan _pollWithoutBroker = TimeSpan.FromSeconds(1);

    /// <summary>Even with the broker there: the rescue for an event that was lost.</summary>
    private static readonly TimeSpan _pollAnyway = TimeSpan.FromSeconds(15);

    private readonly ConcurrentDictionary<Subscription, Guid> _subscriptions = new();
    private volatile bool _connected;

    public Subscription Subscribe(Guid videoId)
    {
        Subscription subscription = new(this, videoId);
        _subscriptions[subscription] = videoId;
        return subscription;
    }

    public Task OnChangedAsync(VideoStateChanged change, CancellationToken ct)
    {
        foreach (var (subscription, videoId) in _subscriptions)
        {
            if (videoId == change.VideoId)
            {
                subscription.Offer(new(videoId, VideoLifecycle.Table.Parse(change.State), change.Sequence, change.At, null, change.Reason, 0));
            }
        }

        return Task.CompletedTask;
    }

    public Task OnConnectedAsync(CancellationToken ct)
    {
        _connected = true;
        return ReadAllAsync(ct);
    }

    public void OnDisconnected() => _connected = false;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_pollWithoutBroker, time);
        var last = time.GetTimestamp();
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (!_connected || time.GetElapsedTime(last) >= _pollAnyway)
            {
                last = time.GetTimestamp();
                await ReadAllAsync(stoppingToken);
            }
        }
    }

    private async Task ReadAllAsync(CancellationToken ct)
    {
        try
        {
            foreach (var group in _subscriptions.GroupBy(pair => pair.Value, pair => pair.Key))
            {
                var changes = await videos.ChangesAfterAsync(group.Key, group.Min(subscription => subscription.Seen), ct);
                foreach (var subscription in group)
                {
                    foreach (var change in changes)
                    {
                        subscription.Offer(change);
                    }
                }
            }
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            Log.PollFailed(logger, exception.Message);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            Log.PollBroken(logger, exception); // escaped, it would stop the host
        }
    }

    /// <summary>One open stream. Bounded: a client that does not read loses its stream, not the server its memory.</summary>
    public sealed class Subscription(StatusHub hub, Guid videoId) : IDisposable
    {
        /// <summary>A video changes a handful of times in its life; whoever is this far behind does not read.</summary>
        private const int Pending = 64;

        private readonly Channel<VideoStatus> _changes = Channel.CreateBounded<VideoStatus>(new BoundedChannelOptions(Pending) { FullMode = BoundedChannelFullMode.Wait });
        private long _seen;

        public long Seen
        {
            get => Volatile.Read(ref _seen);
            set => Volatile.Write(ref _seen, value);
        }

        public ChannelReader<VideoStatus> Changes => _changes.Reader;

        public Guid VideoId => videoId;

        public void Offer(VideoStatus change)
        {
            if (change.Sequence > Seen && !_changes.Writer.TryWrite(change))
            {
                _changes.Writer.TryComplete(new IOException("The client does not read its status stream."));
            }
        }

        public void Dispose() => hub._subscriptions.TryRemove(this, out _);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Open status streams could not be refreshed: {Reason}")]
        public static partial void PollFailed(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Open status streams could not be refreshed")]
        public static partial void PollBroken(ILogger logger, Exception exception);
    }
}
