using System.Diagnostics.Metrics;

namespace Processing.Worker.Live;

/// <summary>What a worker measures of its live sessions.</summary>
public sealed class LiveMetrics
{
    public const string Name = "VideoPlatform.Worker.Live";

    private readonly UpDownCounter<int> _sessions;
    private readonly Counter<long> _generations;
    private readonly Counter<long> _segments;
    private readonly Histogram<double> _publish;
    private readonly Counter<long> _takenOver;

    public LiveMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(Name);
        _sessions = meter.CreateUpDownCounter<int>("live.sessions", "{session}", "Live sessions that this worker encodes.");
        _generations = meter.CreateCounter<long>("live.generations", "{generation}", "Inputs that ended, by why: a broadcast of one is without a discontinuity.");
        _segments = meter.CreateCounter<long>("live.segment.sets", "{set}", "Sets of segments that were listed.");
        _publish = meter.CreateHistogram<double>("live.segment.publish", "ms", "From a finished set to its listing.");
        _takenOver = meter.CreateCounter<long>("live.sessions.lost", "{session}", "Sessions that were ended by others, or went to another worker, while this one encoded them.");
    }

    public void Began() => _sessions.Add(1);

    public void Ended(bool lost)
    {
        _sessions.Add(-1);
        _takenOver.Add(lost ? 1 : 0);
    }

    internal void GenerationEnded(GenerationEnd end) => _generations.Add(1, new KeyValuePair<string, object?>("end", end.ToString()));

    public void Listed(TimeSpan took)
    {
        _segments.Add(1);
        _publish.Record(took.TotalMilliseconds);
    }
}
