using System.Collections.Concurrent;
using Storage.Node.Log.Frames;
using Storage.Node.Log.Superblocks;

namespace Storage.Node.Log;

/// <summary>What is where, in memory. Changed by the writer, after the fsync, in the log's order; read by everybody.</summary>
public sealed class LogIndex
{
    private readonly ConcurrentDictionary<string, Entry> _chunks = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Entry> _acceptors = new(StringComparer.Ordinal);
    private int _chunkCount;

    public int ChunkCount => Volatile.Read(ref _chunkCount);

    /// <summary>Behind it, something was lost that nobody knows the name of; see <see cref="IsForgetful"/>.</summary>
    public (uint Superblock, long Offset) DamagedUpTo { get; set; }

    public Entry? Chunk(string id) => _chunks.GetValueOrDefault(id);

    public Entry? Acceptor(string id) => _acceptors.GetValueOrDefault(id);

    public Entry? Find(FrameKind kind, string id) => kind == FrameKind.Acceptor ? Acceptor(id) : Chunk(id);

    /// <summary>Whether the damage may have hit a newer state of this acceptor than the one that is known: then it must not speak.</summary>
    public bool IsForgetful(Entry? acceptor) =>
        DamagedUpTo.Superblock > 0 && (acceptor is null || (acceptor.Superblock.Number, acceptor.Offset).CompareTo(DamagedUpTo) < 0);

    /// <summary>A copy: what changes meanwhile may be in it or not.</summary>
    public IEnumerable<(FrameKind Kind, string Id, Entry Entry)> All() =>
        _chunks.Select(pair => (FrameKind.Chunk, pair.Key, pair.Value)).Concat(_acceptors.Select(pair => (FrameKind.Acceptor, pair.Key, pair.Value)));

    /// <summary>Takes a record that is newer than all before.</summary>
    public void Apply(Frame frame, Superblock superblock)
    {
        if (frame.Kind == FrameKind.Tombstone)
        {
            if (_chunks.TryRemove(frame.Id, out var deleted))
            {
                deleted.Superblock.AddLive(-deleted.TotalBytes);
                Interlocked.Decrement(ref _chunkCount);
            }

            return;
        }

        var entries = frame.Kind == FrameKind.Acceptor ? _acceptors : _chunks;
        if (entries.TryGetValue(frame.Id, out var before))
        {
            before.Superblock.AddLive(-before.TotalBytes);
        }
        else if (frame.Kind == FrameKind.Chunk)
        {
            Interlocked.Increment(ref _chunkCount);
        }

        superblock.AddLive(frame.TotalBytes);
        entries[frame.Id] = new(superblock, frame);
    }
}
