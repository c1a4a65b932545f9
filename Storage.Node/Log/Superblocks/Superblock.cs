using Storage.Node.Log.Files;
using Storage.Node.Log.Frames;

namespace Storage.Node.Log.Superblocks;

/// <summary>One file of the log. Only the writer extends it; a sealed one never changes again, until compaction deletes it.</summary>
public sealed class Superblock(SuperblockIdentity identity, ILogFile file, long end) : IDisposable
{
    private long _end = end;
    private long _liveBytes;

    public SuperblockIdentity Identity => identity;

    public uint Number => identity.Number;

    public ILogFile File => file;

    /// <summary>Behind the last frame that has been through an fsync.</summary>
    public long End
    {
        get => Volatile.Read(ref _end);
        set => Volatile.Write(ref _end, value);
    }

    /// <summary>Of frames that the index points at; the rest is garbage.</summary>
    public long LiveBytes => Interlocked.Read(ref _liveBytes);

    public double GarbageShare => End <= SuperblockHeader.Bytes ? 0 : 1 - ((double)LiveBytes / (End - SuperblockHeader.Bytes));

    /// <summary>What a start need not scan.</summary>
    public long CheckpointedTo { get; set; }

    /// <summary>Damage below what was durable.</summary>
    public IReadOnlyList<Gap> Gaps { get; init; } = [];

    /// <summary>Of the one that failed before it: while that exists, this one is needed.</summary>
    public Fence Fence { get; init; }

    public void AddLive(long bytes) => Interlocked.Add(ref _liveBytes, bytes);

    public void Dispose() => file.Dispose();
}
