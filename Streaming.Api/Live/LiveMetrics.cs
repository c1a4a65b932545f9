using System.Diagnostics.Metrics;

namespace Streaming.Api.Live;

/// <summary>What a replica measures of the live streams that it shows.</summary>
public sealed class LiveMetrics
{
    private readonly Counter<long> _reads;
    private readonly Counter<long> _readFailures;
    private readonly Counter<long> _renders;
    private readonly Counter<long> _polls;
    private readonly UpDownCounter<int> _streams;

    public LiveMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(StreamingMetrics.Name);
        _reads = meter.CreateCounter<long>("streaming.live.reads", "{read}", "Reads of the database for live playlists; many polls share one.");
        _readFailures = meter.CreateCounter<long>("streaming.live.read.failures", "{read}", "Reads that found no database: what was last known is shown for 6 s, then 503.");
        _renders = meter.CreateCounter<long>("streaming.live.renders", "{playlist}", "Live playlists rendered and compressed: once per change and track that somebody wants.");
        _polls = meter.CreateCounter<long>("streaming.live.polls", "{request}", "Requests for live playlists.");
        _streams = meter.CreateUpDownCounter<int>("streaming.live.streams", "{stream}", "Live streams that are being watched.");
    }

    public void Read() => _reads.Add(1);

    public void ReadFailed() => _readFailures.Add(1);

    public void Rendered() => _renders.Add(1);

    public void Polled() => _polls.Add(1);

    public void Opened() => _streams.Add(1);

    public void Dropped() => _streams.Add(-1);
}
