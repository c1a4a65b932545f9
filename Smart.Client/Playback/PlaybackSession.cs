using Smart.Client.Buffering;
using Smart.Client.Downloads;
using Storage.Fabric.Chunks;

namespace Smart.Client.Playback;

/// <summary>What a playback has come to.</summary>
/// <param name="StartupSeconds">From its opening to its first chunk; 0 before that.</param>
/// <param name="PositionSeconds">What the viewer has seen.</param>
/// <param name="ChunkIndex">The chunk that he sees, from 0.</param>
public sealed record PlaybackReading(
    Guid VideoId, bool IsPlaying, double StartupSeconds, double PositionSeconds, double DurationSeconds, double LevelSeconds, BufferState Buffer, double BufferHealthPercent,
    double AverageLevelSeconds, int ChunkIndex, int ChunksPlayed, int Rebuffers, DownloadReading Downloads);

/// <summary>One playback of one video. It is opened, played once, and disposed of.</summary>
public sealed partial class PlaybackSession : IDisposable
{
    private readonly ChunkManifest _manifest;
    private readonly Pace _pace;
    private readonly bool _isView;
    private readonly PlaybackState _state;
    private readonly BufferLevels _levels;
    private readonly SmartPlayer _player;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly long _asked;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private double _startupSeconds;
    private double _levelSum;
    private int _levelSamples;
    private int _rebuffers;
    private bool _isPaused;
    private bool _hasStarted;
    private bool _hasEnded;
    private bool _isDisposed;

    internal PlaybackSession(SmartPlayer player, ChunkManifest manifest, ChunkSpan span, bool isView, Pace pace, long asked, SmartClientOptions options, TimeProvider time, ILogger logger)
    {
        (_player, _manifest, _isView, _pace, _asked, _time, _logger) = (player, manifest, isView, pace, asked, time, logger);
        _levels = BufferLevels.Of(options);
        _state = new(new Timeline(manifest), span, pace, time);
    }

    public Guid VideoId => _manifest.VideoId;

    /// <summary>Whether <see cref="Stop"/> ended it before its time.</summary>
    public bool WasStopped { get; private set; }

    /// <summary>Stopped, failed, left by its viewer, or seen to the end.</summary>
    public bool HasEnded
    {
        get
        {
            lock (_lock)
            {
                return _hasEnded || (_hasStarted && _state.Playhead.Position >= _state.End);
            }
        }
    }

    /// <summary>Hands its chunks to the sink. Returns at the end of the last, or when it is stopped.</summary>
    /// <exception cref="ChunkUnavailableException">A chunk could not be had.</exception>
    public async Task PlayAsync(ChunkSink sink, CancellationToken ct)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct, _stop.Token);
        var filling = _player.FeedOf(_manifest, _state).FillAsync(ended.Token);
        var playing = HandOverAsync(sink, ended.Token);
        try
        {
            if (await Task.WhenAny(filling, playing) == filling)
            {
                await filling; // its failure is the playback's
            }

            await playing;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            WasStopped = true;
            Log.Stopped(_logger, VideoId);
        }
        finally
        {
            if (!playing.IsCompletedSuccessfully)
            {
                End();
            }

            await ended.CancelAsync();
            await Task.WhenAll(filling, playing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Pause() => SetPaused(true);

    public void Resume() => SetPaused(false);

    /// <summary>Ends it for good.</summary>
    public void Stop()
    {
        End();
        lock (_lock)
        {
            if (!_isDisposed)
            {
                _ = _stop.CancelAsync(); // its callbacks run elsewhere, not under the lock
            }
        }
    }

    /// <summary>The level now, for its average; asked for each second.</summary>
    public void Sample()
    {
        var level = _state.Level;
        lock (_lock)
        {
            if (IsPlaying())
            {
                _levelSum += level;
                _levelSamples++;
            }
        }
    }

    public PlaybackReading Read()
    {
        var position = _state.Playhead.Position;
        var level = _state.Level;
        var played = _state.Timeline.PlayedAt(position);
        lock (_lock)
        {
            return new(
                VideoId, IsPlaying(), _startupSeconds, position, _state.Timeline.Duration, level, _levels.StateOf(level), _levels.HealthPercent(level),
                _levelSamples == 0 ? level : _levelSum / _levelSamples, Math.Min(played, _state.Timeline.Count - 1), played - _state.Span.First, _rebuffers, _state.Downloads.Read());
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
        }

        _player.Closed();
        _stop.Dispose();
    }

    /// <summary>Also while the sink has the rest of the video and its viewer is still watching.</summary>
    private bool IsPlaying() => _hasStarted && !_isPaused && !_hasEnded && _state.Playhead.Position < _state.End;

    private void SetPaused(bool isPaused)
    {
        lock (_lock)
        {
            if (_hasEnded || _isPaused == isPaused)
            {
                return;
            }

            _isPaused = isPaused;
            if (isPaused)
            {
                _state.Playhead.Stop();
            }
            else if (_hasStarted)
            {
                _state.Playhead.Run();
            }
        }

        _state.Changed.Set();
    }

    private void End()
    {
        lock (_lock)
        {
            _hasEnded = true;
            _state.Playhead.Stop();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Video {VideoId} plays after {StartupSeconds} s")]
        public static partial void Started(ILogger logger, Guid videoId, double startupSeconds);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Video {VideoId} waits at {PositionSeconds} s: its buffer is empty")]
        public static partial void Rebuffers(ILogger logger, Guid videoId, double positionSeconds);

        [LoggerMessage(Level = LogLevel.Information, Message = "Video {VideoId} was stopped")]
        public static partial void Stopped(ILogger logger, Guid videoId);
    }
}
