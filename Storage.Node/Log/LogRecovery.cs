using System.Security.Cryptography;
using Storage.Node.Log.Files;
using Storage.Node.Log.Frames;
using Storage.Node.Log.Superblocks;

namespace Storage.Node.Log;

/// <summary>
/// Builds the index from the files, in the log's order. What was durable is taken from the headers alone. The last batch of a
/// file may be a write that a crash interrupted: its payloads are verified, and what is whole is written once more in its place
/// and flushed, because bytes that are only in the page cache must not be acknowledged.
/// </summary>
internal sealed partial class LogRecovery(ILogDisk disk, LogFolder folder, LogIndex index, NodeMetrics metrics, ILogger logger)
{
    public void Run()
    {
        var names = disk.Names();
        foreach (var leftover in names.Where(WholeFile.IsLeftover))
        {
            disk.Delete(leftover);
        }

        List<Opened> opened = [.. names.Select(LogFolder.NumberOf).OfType<uint>().Order().Select(Open).OfType<Opened>()];
        // Every superblock after a failure repeats its fence: the first of them may have gone.
        var fences = opened.Select(file => file.Header?.Fence ?? default).Where(fence => fence.Superblock > 0).DistinctBy(fence => fence.Superblock).ToDictionary(fence => fence.Superblock, fence => fence.End);
        foreach (var file in opened)
        {
            Recover(file, fences.TryGetValue(file.Number, out var end) ? end : null, isLast: file == opened[^1]);
        }
    }

    private Opened? Open(uint number)
    {
        var file = disk.Open(LogFolder.FileOf(number));
        var bytes = new byte[SuperblockHeader.Bytes];
        if (SuperblockHeader.Read(bytes.AsSpan(0, file.Read(bytes, 0)), number) is { } header)
        {
            return new(number, file, header);
        }

        if (file.Length > SuperblockHeader.Bytes)
        {
            return new(number, file, null);
        }

        // The crash came while it was begun: no frame is written before this header is durable.
        file.Dispose();
        disk.Delete(LogFolder.FileOf(number));
        disk.FlushFolder();
        return null;
    }

    private void Recover(Opened opened, long? fence, bool isLast)
    {
        var checkpoint = opened.Header is { } header ? Checkpoint.Read(disk, header.Identity) : null;
        var from = checkpoint?.CoveredTo ?? SuperblockHeader.Bytes;
        var scan = FrameScan.Run(opened.File, opened.Header?.Identity ?? new(opened.Number, 0), Math.Min(from, opened.File.Length), fence ?? long.MaxValue);
        var durable = Math.Max(Math.Max(from, fence ?? 0), scan.DurableBefore);
        var end = Math.Max(scan.End, from);
        List<Gap> gaps = [.. checkpoint?.Gaps ?? [], .. scan.Gaps.Where(gap => gap.From < durable)];
        if (opened.Header is null)
        {
            gaps.Insert(0, new(0, SuperblockHeader.Bytes));
        }

        if (fence > scan.End)
        {
            gaps.Add(new(scan.End, end = fence.Value));
        }

        var isTorn = scan.Gaps.Exists(gap => gap.From >= durable) || opened.File.Length > end;
        var isWhole = opened.Header is not null && opened.File.Length >= from && fence is null;
        Superblock superblock = new(scan.Identity, opened.File, end) { CheckpointedTo = checkpoint?.CoveredTo ?? 0, Gaps = gaps, Fence = opened.Header?.Fence ?? default };
        folder.Adopt(superblock, isContinued: isLast && isWhole && !scan.Gaps.Exists(gap => gap.From >= durable));
        foreach (var frame in (checkpoint?.Frames ?? []).Concat(scan.Frames))
        {
            // In the last file only: another is begun only when this one is settled.
            var isSound = !isLast || frame.Offset < durable || Settle(superblock, frame);
            index.Apply(frame, superblock);
            if (!isSound && index.Find(frame.Kind, frame.Id) is { } entry)
            {
                metrics.Corrupt();
                entry.IsCorrupt = true;
                Log.CorruptTail(logger, superblock.Number, frame.Id, frame.Offset);
            }
        }

        var isCut = isLast && isWhole && opened.File.Length > end;
        if (isCut)
        {
            superblock.File.Truncate(end);
        }

        if (isLast)
        {
            superblock.File.Flush();
        }

        Name(superblock, checkpoint, isTorn && fence is null);
    }

    /// <summary>Writes a frame of the last batch once more. One whose bytes did not all arrive may be compaction's copy of one that is still there: then it is completed.</summary>
    private bool Settle(Superblock superblock, Frame frame)
    {
        var bytes = new byte[frame.TotalBytes];
        superblock.File.Read(bytes, frame.Offset);
        var payload = bytes.AsSpan(Frame.HeaderBytes);
        if (!IsSound(payload, frame))
        {
            if (index.Find(frame.Kind, frame.Id) is not { } original || !original.Sha256.AsSpan().SequenceEqual(frame.Sha256))
            {
                return false;
            }

            original.Superblock.File.Read(payload, original.PayloadAt);
            if (!IsSound(payload, frame))
            {
                return false;
            }
        }

        superblock.File.Write([bytes], frame.Offset);
        return true;
    }

    private static bool IsSound(ReadOnlySpan<byte> payload, Frame frame) => SHA256.HashData(payload).AsSpan().SequenceEqual(frame.Sha256);

    /// <summary>Damage is said aloud, with where it is and what it costs.</summary>
    private void Name(Superblock superblock, Checkpoint? checkpoint, bool isTorn)
    {
        foreach (var gap in superblock.Gaps)
        {
            metrics.Damaged();
            index.DamagedUpTo = (superblock.Number, gap.To);
            Log.Damaged(logger, superblock.Number, gap.From, gap.To);
        }

        // The checkpoint still names what was behind: it is there as corrupt, not as unknown.
        foreach (var lost in (checkpoint?.Frames ?? []).Where(frame => frame.End > superblock.File.Length))
        {
            if (index.Find(lost.Kind, lost.Id) is { } entry && entry.Superblock == superblock && entry.Offset == lost.Offset)
            {
                metrics.Corrupt();
                entry.IsCorrupt = true;
                Log.Shortened(logger, superblock.Number, lost.Id, lost.Offset);
            }
        }

        if (isTorn)
        {
            Log.Torn(logger, superblock.Number, superblock.End);
        }
    }

    private sealed record Opened(uint Number, ILogFile File, SuperblockHeader? Header);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "Superblock {Superblock} is damaged from {From} to {To}: what was there is lost; what is behind it is read. This node abstains from consensus on chunks that the loss may concern")]
        public static partial void Damaged(ILogger logger, uint superblock, long from, long to);

        [LoggerMessage(Level = LogLevel.Error, Message = "Superblock {Superblock} is shorter than it was: {Id} at {Offset} is lost")]
        public static partial void Shortened(ILogger logger, uint superblock, string id, long offset);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Superblock {Superblock}: a write was interrupted at {End}; what was never acknowledged is dropped")]
        public static partial void Torn(ILogger logger, uint superblock, long end);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Superblock {Superblock}: the bytes of {Id} at {Offset} are not those that were sent")]
        public static partial void CorruptTail(ILogger logger, uint superblock, string id, long offset);
    }
}
