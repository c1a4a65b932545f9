namespace Smart.Client.Downloads;

/// <summary>What one playback has downloaded.</summary>
/// <param name="Failovers">How often a chunk came from another node than the one that was asked for it.</param>
/// <param name="Megabits">Of chunks, decimal.</param>
/// <param name="BusySeconds">In which at least one chunk was being downloaded.</param>
public sealed record DownloadReading(int Succeeded, int Failed, int Failovers, int Active, double Megabits, double BusySeconds)
{
    public static DownloadReading None { get; } = new(0, 0, 0, 0, 0, 0);

    public int Total => Succeeded + Failed;

    public double SuccessRate => Total == 0 ? 1 : (double)Succeeded / Total;

    public double AverageMbps => BusySeconds > 0 ? Megabits / BusySeconds : 0;
}

/// <summary>Counts them. Thread-safe.</summary>
public sealed class DownloadCounts(TimeProvider time)
{
    private readonly Lock _lock = new();
    private int _succeeded;
    private int _failed;
    private int _failovers;
    private int _active;
    private long _bytes;
    private long _busySince;
    private TimeSpan _busy;

    public void Started()
    {
        lock (_lock)
        {
            if (_active++ == 0)
            {
                _busySince = time.GetTimestamp();
            }
        }
    }

    /// <param name="bytes">Null: it did not come.</param>
    /// <param name="failovers">Of a chunk that came.</param>
    /// <param name="wasGivenUp">By its playback's end: neither success nor failure.</param>
    public void Ended(int? bytes, int failovers, bool wasGivenUp)
    {
        lock (_lock)
        {
            if (--_active == 0)
            {
                _busy += time.GetElapsedTime(_busySince);
            }

            if (bytes is { } length)
            {
                _succeeded++;
                _bytes += length;
                _failovers += failovers;
            }
            else if (!wasGivenUp)
            {
                _failed++;
            }
        }
    }

    public DownloadReading Read()
    {
        lock (_lock)
        {
            var busy = _active > 0 ? _busy + time.GetElapsedTime(_busySince) : _busy;
            return new(_succeeded, _failed, _failovers, _active, _bytes * 8 / 1e6, busy.TotalSeconds);
        }
    }
}
