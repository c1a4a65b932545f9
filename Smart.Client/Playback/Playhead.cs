namespace Smart.Client.Playback;

/// <summary>
/// Where the viewer is. It runs with the clock, stops at the end of what was handed over (there is nothing to show behind it) and while the playback
/// is paused. Thread-safe.
/// </summary>
/// <param name="start">Where the playback begins, in seconds of the video.</param>
public sealed class Playhead(TimeProvider time, double start = 0)
{
    private readonly Lock _lock = new();
    private double _position = start;
    private double _limit = start;
    private long? _runningSince;

    /// <summary>Seconds from the beginning of the video.</summary>
    public double Position
    {
        get
        {
            lock (_lock)
            {
                return Now();
            }
        }
    }

    /// <summary>The end of what was handed over.</summary>
    public double Limit
    {
        get
        {
            lock (_lock)
            {
                return _limit;
            }
        }
    }

    public bool IsRunning
    {
        get
        {
            lock (_lock)
            {
                return _runningSince is not null;
            }
        }
    }

    public void Run()
    {
        lock (_lock)
        {
            Settle();
            _runningSince = time.GetTimestamp();
        }
    }

    public void Stop()
    {
        lock (_lock)
        {
            Settle();
            _runningSince = null;
        }
    }

    /// <summary>More was handed over. What passed at the old limit was waiting, not playing.</summary>
    public void Extend(double limit)
    {
        lock (_lock)
        {
            Settle();
            _limit = limit;
        }
    }

    private double Now() => _runningSince is { } since ? Math.Min(_limit, _position + time.GetElapsedTime(since).TotalSeconds) : _position;

    private void Settle()
    {
        _position = Now();
        _runningSince = _runningSince is null ? null : time.GetTimestamp();
    }
}
