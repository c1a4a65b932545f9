using System.Diagnostics;
using System.Threading.Channels;
using Storage.Node.Log.Files;
using Storage.Node.Log.Superblocks;

namespace Storage.Node.Log.Writing;

/// <summary>
/// The only one who writes frames. What waits while a batch is on its way to the disk is the next batch: many records, one
/// write, one fsync. Nobody is answered before the fsync, and the index shows nothing that is not durable.
/// </summary>
public sealed partial class LogWriter : IAsyncDisposable
{
    private const int QueueLength = 256;

    /// <summary>Of one batch: what a start may have to verify, and how long the first of it waits for the last.</summary>
    private const int BatchBytes = 16 << 20;
    private const int BatchRecords = 1024;

    private readonly Channel<Append> _queue = Channel.CreateBounded<Append>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private readonly List<Append> _batch = [];
    private readonly HashSet<(bool, string)> _keys = [];
    private readonly LogFolder _folder;
    private readonly LogIndex _index;
    private readonly NodeMetrics _metrics;
    private readonly ILogger _logger;
    private readonly Task _running;
    private volatile bool _isFailing;

    public LogWriter(LogFolder folder, LogIndex index, NodeMetrics metrics, ILogger logger)
    {
        (_folder, _index, _metrics, _logger) = (folder, index, metrics, logger);
        _running = Task.Run(RunAsync);
    }

    /// <summary>Whether the last batch could not be written.</summary>
    public bool IsFailing => _isFailing;

    /// <param name="append">Taken over.</param>
    /// <param name="ct">Of the wait for a place in the queue. What is in it is not taken out: the writer reads its buffer.</param>
    /// <exception cref="IOException">It could not be made durable; <see cref="DiskFullException"/> for want of room.</exception>
    public async Task<AppendOutcome> AppendAsync(Append append, CancellationToken ct)
    {
        try
        {
            await _queue.Writer.WriteAsync(append, ct);
        }
        catch (ChannelClosedException exception)
        {
            throw new IOException("The node is stopping.", exception);
        }

        return await append.Ended;
    }

    /// <summary>Ends when everything that was queued is written.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _running;
    }

    private async Task RunAsync()
    {
        while (await _queue.Reader.WaitToReadAsync())
        {
            Collect();
            if (_batch.Count > 0)
            {
                Commit();
            }
        }
    }

    private void Collect()
    {
        _batch.Clear();
        _keys.Clear();
        var bytes = 0;
        while (_batch.Count < BatchRecords && _queue.Reader.TryPeek(out var next) && (bytes == 0 || bytes + next.Bytes.Length <= BatchBytes) &&
            !_keys.Contains(next.Key) && _queue.Reader.TryRead(out next))
        {
            if (!next.IsWanted)
            {
                next.End(AppendOutcome.Unneeded);
                continue;
            }

            _keys.Add(next.Key);
            _batch.Add(next);
            bytes += next.Bytes.Length;
        }
    }

    private void Commit()
    {
        Superblock? superblock = null;
        var isWritten = false;
        var started = Stopwatch.GetTimestamp();
        try
        {
            superblock = _folder.Writable();
            var (start, end) = (superblock.End, superblock.End);
            foreach (var append in _batch)
            {
                append.Place(superblock.Identity, end, durableBefore: start);
                end = append.Frame.End;
            }

            superblock.File.Write([.. _batch.Select(append => append.Bytes)], start);
            isWritten = true;
            superblock.File.Flush();
            superblock.End = end;
            _isFailing = false;
        }
        catch (Exception exception) // whatever it is, the log goes on, and those who wait hear of it
        {
            Refuse(superblock, isWritten, exception);
            return;
        }

        _metrics.Committed(_batch.Count, superblock.End - _batch[0].Frame.Offset, Stopwatch.GetElapsedTime(started));
        foreach (var append in _batch)
        {
            _index.Apply(append.Frame, superblock);
            append.End(AppendOutcome.Written);
        }
    }

    private void Refuse(Superblock? superblock, bool isWritten, Exception exception)
    {
        _isFailing = true;
        _metrics.CommitFailed();
        if (superblock is null)
        {
            Log.NotBegun(_logger, _batch.Count, exception.Message);
        }
        else if (exception is DiskFullException && !isWritten && TryCutBack(superblock))
        {
            Log.DiskFull(_logger, _batch.Count);
        }
        else
        {
            Log.TakenOut(_logger, exception, superblock.Number, superblock.End, _batch.Count);
            _folder.TakeOut(superblock);
            TryBegin();
        }

        var refusal = exception as IOException ?? new IOException(exception.Message, exception);
        foreach (var append in _batch)
        {
            append.Fail(refusal);
        }
    }

    /// <summary>A write that found no room has no fsync behind it: without its traces the superblock is as it was.</summary>
    private static bool TryCutBack(Superblock superblock)
    {
        try
        {
            superblock.File.Truncate(superblock.End);
            superblock.File.Flush();
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>At once, for the fence in it: what is refused now must not come back with a restart, after somebody was told that it is not so.</summary>
    private void TryBegin()
    {
        try
        {
            _folder.Writable();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotBegun(_logger, 0, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "No superblock could be begun, {Records} records are refused: {Reason}")]
        public static partial void NotBegun(ILogger logger, int records, string reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "The disk is full, {Records} records are refused")]
        public static partial void DiskFull(ILogger logger, int records);

        [LoggerMessage(Level = LogLevel.Error, Message = "Superblock {Superblock} could not be written and is taken out of use; up to {End} it is read on. {Records} records are refused")]
        public static partial void TakenOut(ILogger logger, Exception exception, uint superblock, long end, int records);
    }
}
