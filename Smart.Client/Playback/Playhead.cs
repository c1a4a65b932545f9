namespace Smart.Client.Playback;

/// <summary>
/// Where the viewer is. It runs with the clock, stops at the end of what was handed over (there is nothing to show behind it) and while the playback
/// is paused. Thread-safe.
/// </summary>
public sealed class Playhead(TimeProvider time)
{
    private readonly Lock _lock = new();
    private double _position;
    private double _limit;
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

    public bool IsAtLimit
    {
        get
        {
            lock (_lock)
            {
                return Now() >= _limit;
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
