using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Streaming.Api;

/// <summary>What a replica measures of itself.</summary>
public sealed class StreamingMetrics
{
    public const string Name = "VideoPlatform.Streaming";

    public static readonly ActivitySource Source = new(Name);

    private static readonly KeyValuePair<string, object?> _memory = new("tier", "memory");
    private static readonly KeyValuePair<string, object?> _disk = new("tier", "disk");
    private static readonly KeyValuePair<string, object?> _joined = new("tier", "joined");
    private static readonly KeyValuePair<string, object?> _store = new("tier", "store");

    private static readonly KeyValuePair<string, object?> _edge = new("tier", "edge");

    private readonly Counter<long> _reads;
    private readonly Counter<long> _bytes;
    private readonly Counter<long> _evictions;
    private readonly Histogram<double> _fetch;
    private readonly UpDownCounter<int> _fetching;
    private readonly Counter<long> _fetchFailures;
    private readonly Counter<long> _fetched;
    private readonly Counter<long> _edgeFailures;
    private readonly Counter<long> _loads;

    public StreamingMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(Name);
        _reads = meter.CreateCounter<long>("streaming.segment.reads", "{read}", "Segment reads by the tier that answered: memory, disk, joined (another's fetch), store (a miss).");
        _bytes = meter.CreateCounter<long>("streaming.segment.bytes", "By", "Bytes of segments written to clients.");
        _evictions = meter.CreateCounter<long>("streaming.segment.evictions", "{segment}", "Segments that gave way to others, by tier.");
        _fetch = meter.CreateHistogram<double>("streaming.fetch.duration", "ms", "Time to read one object from the store and check it.");
        _fetching = meter.CreateUpDownCounter<int>("streaming.fetch.active", "{fetch}", "Objects being read from the store.");
        _fetchFailures = meter.CreateCounter<long>("streaming.fetch.failures", "{fetch}", "Fetches that ended without a good object.");
        _fetched = meter.CreateCounter<long>("streaming.fetch.objects", "{object}", "Objects that a miss has brought, by where they came from: edge (the chunk store's nodes), store (S3).");
        _edgeFailures = meter.CreateCounter<long>("streaming.edge.failures", "{fetch}", "Attempts to read from the chunk store's nodes that ended without a good object; S3 is asked then.");
        _loads = meter.CreateCounter<long>("streaming.video.loads", "{load}", "Catalogues read from the database.");
    }

    public void MemoryRead() => _reads.Add(1, _memory);

    public void DiskRead() => _reads.Add(1, _disk);

    public void JoinedRead() => _reads.Add(1, _joined);

    public void StoreRead() => _reads.Add(1, _store);

    public void Sent(long bytes) => _bytes.Add(bytes);

    public void MemoryEviction() => _evictions.Add(1, _memory);

    public void DiskEviction() => _evictions.Add(1, _disk);

    public void FetchBegun() => _fetching.Add(1);

    public void FetchEnded(TimeSpan took, bool good)
    {
        _fetching.Add(-1);
        _fetch.Record(took.TotalMilliseconds);
        if (!good)
        {
            _fetchFailures.Add(1);
        }
    }

    public void EdgeObject() => _fetched.Add(1, _edge);

    public void StoreObject() => _fetched.Add(1, _store);

    public void EdgeFailure() => _edgeFailures.Add(1);

    public void VideoLoaded() => _loads.Add(1);
}
