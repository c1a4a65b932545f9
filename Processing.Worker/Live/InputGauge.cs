namespace Processing.Worker.Live;

/// <summary>What comes in: how much, and when last. One reader of the input writes it, watchers read.</summary>
internal sealed class InputGauge(TimeProvider time)
{
    private const double WindowSeconds = 5;

    private const long MostBitsPerSecond = 50_000_000;

    private readonly Lock _gate = new();
    private long _windowBegan = time.GetTimestamp();
    private long _windowBytes;
    private long _last = time.GetTimestamp();
    private bool _isTooFast;
    private volatile bool _isHeld;

    /// <summary>The reader waits for a store: that nothing comes is not the input's doing.</summary>
    public bool IsHeld
    {
        get => _isHeld;
        set => _isHeld = value;
    }

    public TimeSpan SinceLast
    {
        get
        {
            lock (_gate)
            {
                return time.GetElapsedTime(_last);
            }
        }
    }

    /// <summary>More than 50 Mbit/s over five seconds: what a burst after a pause brings does not count that long.</summary>
    public bool IsTooFast
    {
        get
        {
            lock (_gate)
            {
                return _isTooFast;
            }
        }
    }

    public void Add(int bytes)
    {
        lock (_gate)
        {
            _last = time.GetTimestamp();
            _windowBytes += bytes;
            var seconds = time.GetElapsedTime(_windowBegan).TotalSeconds;
            if (seconds >= WindowSeconds)
            {
                _isTooFast |= _windowBytes * 8 / seconds > MostBitsPerSecond;
                (_windowBegan, _windowBytes) = (_last, 0);
            }
        }
    }
}
