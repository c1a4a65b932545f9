using Lifecycle.Store;
using Lifecycle.Store.Live;
using Microsoft.Extensions.Options;

namespace Streaming.Api.Live;

/// <summary>What reads of all streams share.</summary>
internal sealed record LiveReading(LiveCatalogue Catalogue, IOptions<StreamOptions> Streams, LiveMetrics Metrics, TimeProvider Time, ILogger<LiveStream> Logger);

/// <summary>
/// A stream that is being watched. A playlist is answered from a read of the database that began after its request came: what one
/// replica has shown is committed, so no other can show less, and a player that is sent from one to the other never goes back.
/// There is one read at a time, whoever asks: those who come while it runs share the next.
/// </summary>
internal sealed partial class LiveStream(string id, LiveReading reading, Action<LiveStream> changed)
{
    private const int Tries = 3;

    /// <summary>Two reads, the running one and the next, end well before the gateway's 10 s do.</summary>
    private static readonly TimeSpan _readWithin = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan _retryAfter = TimeSpan.FromMilliseconds(100);

    /// <summary>How long what was last known is shown while the database is away: nothing can be added to a stream then, and players have so much buffered.</summary>
    private static readonly TimeSpan _staleFor = TimeSpan.FromSeconds(6);

    private readonly Lock _gate = new();
    private TaskCompletionSource<LiveAnswer>? _next;
    private Task _reader = Task.CompletedTask;
    private bool _reads;
    private volatile LiveView? _view;
    private long _asOf;

    public string Id => id;

    /// <summary>What was last read, however long ago: enough for a segment, whose address never means anything else.</summary>
    public LiveView? Known => _view;

    public long LastUsed { get; set; }

    /// <summary>The stream as it is now.</summary>
    public Task<LiveAnswer> ReadAsync()
    {
        lock (_gate)
        {
            if (_next is { } waiting)
            {
                return waiting.Task;
            }

            // Everybody who waits goes on by himself, not one after the other on the reader's thread.
            TaskCompletionSource<LiveAnswer> next = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_reads)
            {
                _next = next;
            }
            else
            {
                _reads = true;
                _reader = Task.Run(() => RunAsync(next)); // not on a request's token: the read belongs to all who wait for it
            }

            return next.Task;
        }
    }

    private async Task RunAsync(TaskCompletionSource<LiveAnswer>? current)
    {
        while (current is not null)
        {
            try
            {
                current.SetResult(await LoadAsync());
            }
            catch (Exception exception)
            {
                current.SetException(exception);
            }

            lock (_gate)
            {
                (current, _next) = (_next, null);
                _reads = current is not null;
            }
        }
    }

    private async Task<LiveAnswer> LoadAsync()
    {
        var began = reading.Time.GetTimestamp();
        try
        {
            using CancellationTokenSource within = new(_readWithin, reading.Time);
            var view = await RefreshAsync(within.Token);
            _asOf = began;
            return view is null ? LiveAnswer.Missing : LiveAnswer.Known(view);
        }
        catch (Exception exception) when (Outages.IsOutage(exception) || exception is OperationCanceledException)
        {
            reading.Metrics.ReadFailed();
            if (_view is { } last && reading.Time.GetElapsedTime(_asOf) <= _staleFor)
            {
                return LiveAnswer.Known(last);
            }

            Log.DatabaseAway(reading.Logger, id, exception.Message);
            return LiveAnswer.Unavailable;
        }
    }

    private async Task<LiveView?> RefreshAsync(CancellationToken ct)
    {
        var window = reading.Streams.Value.DvrSeconds;
        var last = _view;
        var timeline = last?.Timeline;
        if (timeline is null)
        {
            var start = await TryAsync(() => reading.Catalogue.StartAsync(id, window * LiveTimeline.KeptWindows, ct), ct);
            timeline = LiveTimeline.Begin(window, start);
        }

        if (await TryAsync(() => reading.Catalogue.ReadAsync(id, timeline.Position, ct), ct) is not { } changes)
        {
            _view = null;
            changed(this);
            return null;
        }

        if (last is not null && changes is { Segments: [], Tracks: [] } && changes.Stream == last.Stream)
        {
            return last; // with the texts that it has
        }

        Check(changes.Segments);
        timeline = changes.Stream.IsSwept ? LiveTimeline.Begin(window, LiveStart.Beginning) : timeline.With(changes.Segments, changes.Tracks);
        LiveView view = new(changes.Stream, timeline, reading.Metrics);
        _view = view;
        changed(this);
        return view;
    }

    /// <summary>After a restart of the database each pooled connection breaks once: that is no outage yet.</summary>
    private async Task<T> TryAsync<T>(Func<Task<T>> read, CancellationToken ct)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                reading.Metrics.Read();
                return await read();
            }
            catch (Exception exception) when (tries < Tries && Outages.IsOutage(exception))
            {
                await Task.Delay(_retryAfter * tries, reading.Time, ct);
            }
        }
    }

    private void Check(IReadOnlyList<LiveSegmentRow> segments)
    {
        if (segments.FirstOrDefault(segment => Math.Round(segment.Seconds, MidpointRounding.AwayFromZero) > LivePlaylist.TargetSeconds) is { } overlong)
        {
            Log.Overlong(reading.Logger, id, overlong.Sequence, overlong.Track, overlong.Seconds);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Stream {StreamId} cannot be shown, the database is away: {Reason}")]
        public static partial void DatabaseAway(ILogger logger, string streamId, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Segment {Sequence} of {Track} of stream {StreamId} takes {Seconds} s: more than its playlist's target duration allows")]
        public static partial void Overlong(ILogger logger, string streamId, long sequence, string track, double seconds);
    }
}
