using System.Diagnostics.Metrics;

namespace Storage.Node;

/// <summary>What a node measures of itself.</summary>
public sealed class NodeMetrics
{
    public const string Name = "VideoPlatform.Storage.Node";

    private readonly Counter<long> _records;
    private readonly Counter<long> _bytes;
    private readonly Histogram<double> _commit;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _corrupt;
    private readonly Counter<long> _damaged;
    private readonly Histogram<double> _reads;
    private readonly Counter<long> _refused;
    private long _corruptCount;
    private long _damagedCount;

    public NodeMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(Name);
        _records = meter.CreateCounter<long>("storage.log.records", "{record}", "Records made durable. Their rate by that of the commits is what one fsync carries.");
        _bytes = meter.CreateCounter<long>("storage.log.bytes", "By", "Bytes made durable.");
        _commit = meter.CreateHistogram<double>("storage.log.commit.duration", "ms", "Time of one write and its fsync.");
        _failures = meter.CreateCounter<long>("storage.log.commit.failures", "{commit}", "Batches that the disk refused.");
        _corrupt = meter.CreateCounter<long>("storage.corrupt", "{record}", "Records whose bytes were found not to be those that were stored.");
        _damaged = meter.CreateCounter<long>("storage.damaged", "{gap}", "Places in superblocks where no record can be read.");
        _reads = meter.CreateHistogram<double>("storage.read.duration", "ms", "Time to read a chunk and verify it.");
        _refused = meter.CreateCounter<long>("storage.refused", "{request}", "Requests answered with 503 for want of a buffer.");
    }

    /// <summary>Since the start.</summary>
    public long CorruptCount => Interlocked.Read(ref _corruptCount);

    /// <summary>Since the start.</summary>
    public long DamagedCount => Interlocked.Read(ref _damagedCount);

    public void Committed(int records, long bytes, TimeSpan took)
    {
        _records.Add(records);
        _bytes.Add(bytes);
        _commit.Record(took.TotalMilliseconds);
    }

    public void CommitFailed() => _failures.Add(1);

    public void Corrupt()
    {
        Interlocked.Increment(ref _corruptCount);
        _corrupt.Add(1);
    }

    public void Damaged()
    {
        Interlocked.Increment(ref _damagedCount);
        _damaged.Add(1);
    }

    public void Read(TimeSpan took) => _reads.Record(took.TotalMilliseconds);

    public void Refused() => _refused.Add(1);
}
