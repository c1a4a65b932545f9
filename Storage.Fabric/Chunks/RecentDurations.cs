namespace Storage.Fabric.Chunks;

/// <summary>How long the last reads of one kind took, of all nodes together: what is usual here and now.</summary>
internal sealed class RecentDurations
{
    private const int Kept = 128;

    /// <summary>Fewer say nothing about the slowest of twenty.</summary>
    private const int FewestSamples = 20;

    private static readonly TimeSpan _fastestHedge = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _firstHedge = TimeSpan.FromMilliseconds(150);
    private static readonly TimeSpan _slowestHedge = TimeSpan.FromMilliseconds(500);

    private readonly Lock _lock = new();
    private readonly TimeSpan[] _ring = new TimeSpan[Kept];
    private long _seen;

    /// <summary>Of a read that others outran after so long. Left out, the slow would never show; one that was cancelled early says nothing.</summary>
    public void AddCutShort(TimeSpan lasted)
    {
        if (lasted >= HedgeAfter())
        {
            Add(lasted);
        }
    }

    public void Add(TimeSpan duration)
    {
        lock (_lock)
        {
            _ring[_seen++ % Kept] = duration;
        }
    }

    /// <summary>Their 95th percentile within 20 and 500 ms: about one read of twenty is hedged, whatever the network.</summary>
    public TimeSpan HedgeAfter()
    {
        TimeSpan[] samples;
        lock (_lock)
        {
            if (_seen < FewestSamples)
            {
                return _firstHedge;
            }

            samples = _ring[..(int)Math.Min(_seen, Kept)];
        }

        Array.Sort(samples);
        var usual = samples[samples.Length * 95 / 100];
        return usual < _fastestHedge ? _fastestHedge : usual > _slowestHedge ? _slowestHedge : usual;
    }
}
