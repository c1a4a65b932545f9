using Storage.Node.Log.Files;
using Storage.Node.Log.Frames;
using Storage.Node.Log.Superblocks;
using Storage.Node.Log.Writing;

namespace Storage.Node.Log.Upkeep;

/// <summary>
/// Gives back the room of what was deleted: what is live in a superblock is appended to the log once more, and when that is
/// durable, the file is deleted. A crash before that leaves both, and the copy, being newer, counts.
/// </summary>
public sealed partial class Compaction(LogFolder folder, LogIndex index, LogWriter writer, ILogger logger)
{
    /// <summary>Copied between two fsyncs: what compaction holds in memory.</summary>
    private const int InFlightBytes = 4 << 20;

    /// <summary>Compacts every sealed superblock of which at least this share is garbage.</summary>
    /// <exception cref="IOException">A copy could not be written; nothing was deleted for it.</exception>
    public async Task RunAsync(double garbageShare, CancellationToken ct)
    {
        foreach (var superblock in folder.All().Where(superblock => superblock.GarbageShare >= garbageShare))
        {
            if (MayGo(superblock))
            {
                await CompactAsync(superblock, ct);
            }
        }
    }

    /// <summary>
    /// Not the one that is written to. Not what is damaged, and nothing older than damage: which of its acceptor states are the
    /// newest is not known, and a copy would pass for newer. Not the fence of one that failed.
    /// </summary>
    private bool MayGo(Superblock superblock) =>
        superblock != folder.Active && superblock.Number > index.DamagedUpTo.Superblock && folder.All().All(other => other.Number != superblock.Fence.Superblock);

    private async Task CompactAsync(Superblock superblock, CancellationToken ct)
    {
        var frames = FrameScan.Run(superblock.File, superblock.Identity, SuperblockHeader.Bytes, superblock.End);
        if (frames.Gaps.Exists(gap => gap.From < frames.DurableBefore))
        {
            Log.Damaged(logger, superblock.Number);
            return;
        }

        List<Task<AppendOutcome>> copies = [];
        var (inFlight, copied) = (0, 0L);
        foreach (var frame in frames.Frames)
        {
            if (CopyOf(superblock, frame, out var isCorrupt) is { } copy)
            {
                copies.Add(writer.AppendAsync(copy, ct));
                inFlight += frame.TotalBytes;
                copied += frame.TotalBytes;
            }

            if (isCorrupt)
            {
                Log.Corrupt(logger, superblock.Number, frame.Id);
                await Task.WhenAll(copies);
                return;
            }

            if (inFlight >= InFlightBytes)
            {
                await Task.WhenAll(copies);
                copies.Clear();
                inFlight = 0;
            }
        }

        await Task.WhenAll(copies);
        if (superblock.LiveBytes > 0)
        {
            return; // never delete what the index points at, whatever the reason
        }

        folder.Remove(superblock);
        Log.Compacted(logger, superblock.Number, superblock.End - copied);
    }

    private Append? CopyOf(Superblock superblock, Frame frame, out bool isCorrupt)
    {
        isCorrupt = false;
        if (frame.Kind == FrameKind.Tombstone)
        {
            // An older superblock may hold what it deletes. Without one it has done its work.
            var isNeeded = folder.All()[0] != superblock && index.Chunk(frame.Id) is null;
            return isNeeded ? ChunkLog.Tombstone(frame.Id, () => index.Chunk(frame.Id) is null) : null;
        }

        if (index.Find(frame.Kind, frame.Id) is not { } entry || entry.Superblock != superblock || entry.Offset != frame.Offset)
        {
            return null;
        }

        var bytes = new byte[frame.TotalBytes];
        superblock.File.Read(bytes, frame.Offset);
        isCorrupt = !System.Security.Cryptography.SHA256.HashData(bytes.AsSpan(Frame.HeaderBytes)).AsSpan().SequenceEqual(frame.Sha256);
        entry.IsCorrupt |= isCorrupt;
        return isCorrupt ? null : new(frame.Kind, frame.Id, bytes, frame.Sha256, () => index.Find(frame.Kind, frame.Id) == entry);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Superblock {Superblock} is compacted: {Bytes} bytes are free")]
        public static partial void Compacted(ILogger logger, uint superblock, long bytes);

        [LoggerMessage(Level = LogLevel.Error, Message = "Superblock {Superblock} is damaged and is not compacted")]
        public static partial void Damaged(ILogger logger, uint superblock);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Superblock {Superblock} is not compacted while {Id} in it is corrupt: store that chunk again, or delete it")]
        public static partial void Corrupt(ILogger logger, uint superblock, string id);
    }
}
