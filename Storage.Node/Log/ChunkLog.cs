using System.Security.Cryptography;
using Storage.Fabric.Consensus;
using Storage.Node.Log.Files;
using Storage.Node.Log.Frames;
using Storage.Node.Log.Superblocks;
using Storage.Node.Log.Upkeep;
using Storage.Node.Log.Writing;

namespace Storage.Node.Log;

/// <summary>The node's chunks and its acceptor's memory: an append-only log of frames in superblock files, with an index in memory.</summary>
public sealed class ChunkLog : IAsyncDisposable
{
    private readonly LogFolder _folder;
    private readonly LogIndex _index = new();
    private readonly LogWriter _writer;
    private readonly NodeMetrics _metrics;
    private readonly CorruptMarks _marks;

    /// <summary>Reads what is there; ends when the node may answer.</summary>
    /// <param name="disk">The folder.</param>
    /// <param name="superblockBytes">About where a new file is begun: the last batch in one may exceed it.</param>
    /// <param name="metrics">Counts what is found and written.</param>
    /// <param name="logger">Names damage.</param>
    /// <exception cref="IOException">The folder cannot be read, or not be written.</exception>
    public ChunkLog(ILogDisk disk, long superblockBytes, NodeMetrics metrics, ILogger logger)
    {
        _metrics = metrics;
        _folder = new(disk, superblockBytes);
        new LogRecovery(disk, _folder, _index, metrics, logger).Run();
        _marks = new(disk, _index, (id, entry) => Verify(id, entry, new byte[entry.Length]), logger);
        _marks.Load();
        _marks.Save();
        _writer = new(_folder, _index, metrics, logger);
        Compaction = new(_folder, _index, _writer, logger);
        Scrub = new(_index, this, logger);
        Checkpoints = new(_folder, logger);
    }

    public Compaction Compaction { get; }

    public Scrub Scrub { get; }

    public Checkpoints Checkpoints { get; }

    public int ChunkCount => _index.ChunkCount;

    /// <summary>Whether the last write was refused by the disk.</summary>
    public bool IsFailing => _writer.IsFailing;

    public IReadOnlyList<Superblock> Superblocks => _folder.All();

    public double UsedPercent() => _folder.Disk.UsedPercent();

    /// <summary>Corrupt ones too.</summary>
    public Entry? Find(string id) => _index.Chunk(id);

    /// <summary>Stores a chunk where there is none, or a corrupt one.</summary>
    /// <param name="id">Of the chunk.</param>
    /// <param name="frame">Room for the header, then the bytes. It must not be touched before the task ends.</param>
    /// <param name="sha256">Of the bytes.</param>
    /// <param name="ct">Of the wait for a place in the queue.</param>
    /// <returns>True when it is durable; false when a sound one was there first, and stays.</returns>
    /// <exception cref="IOException">It is not durable; <see cref="DiskFullException"/> for want of room.</exception>
    public async Task<bool> PutAsync(string id, Memory<byte> frame, byte[] sha256, CancellationToken ct) =>
        await _writer.AppendAsync(new(FrameKind.Chunk, id, frame, sha256, () => _index.Chunk(id) is null or { IsCorrupt: true }), ct) == AppendOutcome.Written;

    /// <returns>True when the deletion is durable; false when there was nothing.</returns>
    public async Task<bool> DeleteAsync(string id, CancellationToken ct) =>
        await _writer.AppendAsync(Tombstone(id, () => _index.Chunk(id) is not null), ct) == AppendOutcome.Written;

    /// <summary>Reads a chunk and verifies it.</summary>
    /// <param name="id">Of the chunk.</param>
    /// <param name="into">At least as long as it.</param>
    /// <returns>The entry that was read; null: there is none (any more).</returns>
    /// <exception cref="InvalidDataException">Its bytes are not those that were stored; it is marked.</exception>
    public Entry? Read(string id, Span<byte> into)
    {
        while (_index.Chunk(id) is { } entry)
        {
            try
            {
                Verify(id, entry, into[..entry.Length]);
                return entry;
            }
            catch (ObjectDisposedException) when (_index.Chunk(id) != entry)
            {
                // Compaction has moved it.
            }
        }

        return null;
    }

    /// <exception cref="InvalidDataException">What is known may not be the newest: this acceptor must not speak of this chunk.</exception>
    public AcceptorState AcceptorStateOf(string id)
    {
        while (true)
        {
            var entry = _index.Acceptor(id);
            if (_index.IsForgetful(entry))
            {
                throw new InvalidDataException($"The log was damaged: the newest state of {id} may be lost.");
            }

            if (entry is null)
            {
                return AcceptorState.None;
            }

            try
            {
                var bytes = new byte[entry.Length];
                Verify(id, entry, bytes);
                return AcceptorRecord.Read(bytes);
            }
            catch (ObjectDisposedException) when (_index.Acceptor(id) != entry)
            {
                // Compaction has moved it.
            }
        }
    }

    /// <summary>Ends when the state is durable.</summary>
    public Task WriteAcceptorStateAsync(string id, AcceptorState state, CancellationToken ct)
    {
        var frame = AcceptorRecord.Frame(state);
        return _writer.AppendAsync(new(FrameKind.Acceptor, id, frame, SHA256.HashData(frame.AsSpan(Frame.HeaderBytes)), static () => true), ct);
    }

    /// <summary>Notes which records are corrupt, where that has changed.</summary>
    public void SaveMarks() => _marks.Save();

    /// <summary>Writes what is queued, and a checkpoint of it.</summary>
    public async ValueTask DisposeAsync()
    {
        await _writer.DisposeAsync();
        _marks.Save();
        Checkpoints.TakeAll();
        _folder.Dispose();
    }

    internal static Append Tombstone(string id, Func<bool> isWanted) => new(FrameKind.Tombstone, id, new byte[Frame.HeaderBytes], SHA256.HashData([]), isWanted);

    /// <summary>Reads a payload; one that does not match is marked until it is replaced.</summary>
    internal void Verify(string id, Entry entry, Span<byte> into)
    {
        Span<byte> sha256 = stackalloc byte[SHA256.HashSizeInBytes];
        var read = entry.Superblock.File.Read(into, entry.PayloadAt);
        SHA256.HashData(into[..read], sha256);
        if (read == entry.Length && sha256.SequenceEqual(entry.Sha256))
        {
            entry.IsCorrupt = false;
            return;
        }

        if (!entry.IsCorrupt)
        {
            entry.IsCorrupt = true;
            _metrics.Corrupt();
        }

        throw new InvalidDataException($"The bytes of {id} in superblock {entry.Superblock.Number} at {entry.Offset} are not those that were stored.");
    }
}
