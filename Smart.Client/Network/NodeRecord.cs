namespace Smart.Client.Network;

/// <summary>What is known of a node at one moment.</summary>
/// <param name="WasPinged">False: nothing is known of it yet, good or bad.</param>
public sealed record NodeReading(
    string NodeUrl, double LatencyMs, double BandwidthMbps, double Reliability, double Score, bool IsHealthy, bool WasPinged, int ActiveDownloads, int Downloads, long Bytes)
{
    public double SelectionScore => NodeScore.ForSelection(Score, ActiveDownloads);
}

/// <summary>One node's windows. Thread-safe.</summary>
public sealed class NodeRecord(string nodeUrl, TimeProvider time)
{
    public const int Latencies = 10;
    public const int Bandwidths = 10;
    public const int Outcomes = 20;

    /// <summary>Assumed of a node until its transfers say otherwise.</summary>
    public const double FirstBandwidthMbps = 50;

    private const int RecentOutcomes = 5;

    private static readonly TimeSpan _goodFor = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly RollingWindow _latencies = new(Latencies);
    private readonly RollingWindow _bandwidths = Seeded();
    private readonly RollingWindow _outcomes = new(Outcomes);
    private long? _goodPing;
    private long _lastNamed = time.GetTimestamp();
    private int _active;
    private int _downloads;
    private long _bytes;

    public string NodeUrl => nodeUrl;

    public void PingAnswered(double latencyMs)
    {
        lock (_lock)
        {
            _latencies.Add(latencyMs);
            _outcomes.Add(1);
            _goodPing = time.GetTimestamp();
        }
    }

    public void PingFailed()
    {
        lock (_lock)
        {
            _outcomes.Add(0);
        }
    }

    /// <summary>A transfer counts with the rate that it had. One that failed brought nothing, however fast: its rate is 0.</summary>
    public void Transferred(TimeSpan duration, int bytes, bool succeeded)
    {
        lock (_lock)
        {
            if (!succeeded)
            {
                _bandwidths.Add(0);
            }
            else if (duration > TimeSpan.Zero)
            {
                _bandwidths.Add(MbpsOf(duration, bytes));
            }

            if (succeeded)
            {
                _downloads++;
                _bytes += bytes;
            }
        }
    }

    /// <summary>Another node was sooner, though asked later: the rate was less than if the chunk had just come.</summary>
    public void Overtaken(TimeSpan duration, int bytes)
    {
        if (duration > TimeSpan.Zero)
        {
            lock (_lock)
            {
                _bandwidths.Add(MbpsOf(duration, bytes));
            }
        }
    }

    public void DownloadStarted()
    {
        lock (_lock)
        {
            _active++;
        }
    }

    public void DownloadEnded()
    {
        lock (_lock)
        {
            _active--;
        }
    }

    /// <summary>Some manifest or the list of nodes has it.</summary>
    public void Named()
    {
        lock (_lock)
        {
            _lastNamed = time.GetTimestamp();
        }
    }

    public bool IsForgettable(TimeSpan after)
    {
        lock (_lock)
        {
            return _active == 0 && time.GetElapsedTime(_lastNamed) > after;
        }
    }

    public NodeReading Read()
    {
        lock (_lock)
        {
            var latency = _latencies.Mean(whenEmpty: 0);
            var bandwidth = _bandwidths.Mean(whenEmpty: FirstBandwidthMbps);
            var reliability = _outcomes.Mean(whenEmpty: 0);
            var isHealthy = _goodPing is { } at && time.GetElapsedTime(at) <= _goodFor && _outcomes.MeanOfLast(RecentOutcomes, whenEmpty: 0) > 0.5;
            return new(nodeUrl, latency, bandwidth, reliability, NodeScore.Of(bandwidth, reliability, latency), isHealthy, _outcomes.Count > 0, _active, _downloads, _bytes);
        }
    }

    private static double MbpsOf(TimeSpan duration, int bytes) => bytes * 8.0 / duration.TotalSeconds / 1e6;

    private static RollingWindow Seeded()
    {
        RollingWindow bandwidths = new(Bandwidths);
        bandwidths.Add(FirstBandwidthMbps);
        return bandwidths;
    }
}
