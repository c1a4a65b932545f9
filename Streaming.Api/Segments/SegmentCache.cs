using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace Streaming.Api.Segments;

/// <summary>A segment's bytes, wherever they are; exactly one of the three is set. Disposing closes the file or leaves the fetch.</summary>
public readonly struct OpenSegment(byte[]? memory, SafeFileHandle? file, SegmentFetch? fetch) : IDisposable
{
    public byte[]? Memory => memory;

    public SafeFileHandle? File => file;

    public SegmentFetch? Fetch => fetch;

    public void Dispose()
    {
        file?.Dispose();
        fetch?.Leave();
    }
}

/// <summary>Memory, then disk, then the store: one fetch for each object at a time, whoever asks.</summary>
public sealed partial class SegmentCache : IAsyncDisposable
{
    /// <summary>Larger objects go to disk only: one of them must not push out a crowd of others.</summary>
    private const long LargestInMemory = 16L << 20;
    private const int LargestShare = 8;

    /// <summary>Reads of a file before its bytes are wanted in memory again.</summary>
    private const int PromoteAfter = 2;

    private readonly ScanResistantCache<byte[]> _memory;
    private readonly ConcurrentDictionary<string, SegmentFetch> _fetches = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<SegmentFetch, Task> _running = new();
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly long _largestInMemory;
    private readonly DiskTier _disk;
    private readonly SegmentFetcher _fetcher;
    private readonly StreamingMetrics _metrics;
    private readonly ILogger<SegmentCache> _logger;

    public SegmentCache(DiskTier disk, SegmentFetcher fetcher, IOptions<StreamingOptions> options, StreamingMetrics metrics, ILogger<SegmentCache> logger)
    {
        _disk = disk;
        _fetcher = fetcher;
        _metrics = metrics;
        _logger = logger;
        _largestInMemory = Math.Min(LargestInMemory, options.Value.MemoryBytes / LargestShare);
        _memory = new(options.Value.MemoryBytes, OnGone);
    }

    public OpenSegment Open(ServedObject wanted)
    {
        if (TryOpenCached(wanted, out var cached))
        {
            return cached;
        }

        lock (_gate)
        {
            if (_fetches.TryGetValue(wanted.Key, out var running) && running.TryJoin())
            {
                _metrics.JoinedRead();
                return new(null, null, running);
            }

            if (TryOpenCached(wanted, out cached)) // a fetch that ended between the two looks
            {
                return cached;
            }

            _metrics.StoreRead();
            SegmentFetch fetch = new(wanted, wanted.Bytes <= _largestInMemory ? null : _disk.Folder.NextFile());
            _fetches[wanted.Key] = fetch;
            _running[fetch] = Task.Run(() => RunAsync(fetch), CancellationToken.None);
            return new(null, null, fetch);
        }
    }

    /// <summary>Forgets objects of a deleted video.</summary>
    public void Remove(IEnumerable<string> keys)
    {
        foreach (var key in keys)
        {
            _memory.Remove(key);
            _disk.Remove(key);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await Task.WhenAll(_running.Values);
        _stopping.Dispose();
    }

    private bool TryOpenCached(ServedObject wanted, out OpenSegment cached)
    {
        if (_memory.TryGet(wanted.Key, out var bytes) || _disk.TryGetPending(wanted.Key, out bytes))
        {
            _metrics.MemoryRead();
            cached = new(bytes, null, null);
            return true;
        }

        if (!_disk.TryOpen(wanted.Key, out var file, out var hits))
        {
            cached = default;
            return false;
        }

        _metrics.DiskRead();
        if (hits != PromoteAfter || wanted.Bytes > _largestInMemory)
        {
            cached = new(null, file, null);
            return true;
        }

        var promoted = Promote(wanted, file);
        cached = new(promoted, null, null);
        return promoted is not null;
    }

    /// <summary>Into memory; null where the file is shorter than the object: somebody has cut it, and it is fetched anew.</summary>
    private byte[]? Promote(ServedObject wanted, SafeFileHandle file)
    {
        using (file)
        {
            var bytes = GC.AllocateUninitializedArray<byte>((int)wanted.Bytes);
            if (RandomAccess.Read(file, bytes, 0) != bytes.Length)
            {
                _disk.Remove(wanted.Key);
                return null;
            }

            _memory.TryAdd(wanted.Key, bytes, bytes.Length);
            return bytes;
        }
    }

    private async Task RunAsync(SegmentFetch fetch)
    {
        var good = false;
        FetchFailedException? failure = null;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(fetch.Abandoned, _stopping.Token);
        try
        {
            await _fetcher.FillAsync(fetch, ended.Token);
            good = true;
        }
        catch (OperationCanceledException)
        {
            failure = new(FetchFailure.Unavailable, "The fetch was given up.");
        }
        catch (FetchFailedException exception)
        {
            Log.FetchFailed(_logger, fetch.Object.Key, exception.Message);
            failure = exception;
        }
        catch (Exception exception)
        {
            Log.FetchBroke(_logger, exception, fetch.Object.Key);
            failure = new(FetchFailure.Unavailable, exception.Message, exception);
        }

        Keep(fetch, good);
        lock (_gate)
        {
            _fetches.TryRemove(new(fetch.Object.Key, fetch));
            _running.TryRemove(fetch, out _);
        }

        if (failure is null)
        {
            fetch.Complete();
        }
        else
        {
            fetch.Fail(failure);
        }
    }

    /// <summary>Before the fetch leaves the table, so that whoever comes next finds one or the other.</summary>
    private void Keep(SegmentFetch fetch, bool good)
    {
        if (good && fetch.Memory is { } bytes)
        {
            _memory.TryAdd(fetch.Object.Key, bytes, bytes.Length);
        }
        else if (good)
        {
            _disk.Adopt(fetch.Object.Key, fetch.Path!, fetch.Object.Bytes);
        }
        else if (fetch.Path is { } path)
        {
            DiskFolder.TryDelete(path);
        }
    }

    private void OnGone(string key, byte[] bytes, bool gaveWay)
    {
        if (gaveWay)
        {
            _metrics.MemoryEviction();
            _disk.Spill(key, bytes);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Fetching {Key} failed: {Reason}")]
        public static partial void FetchFailed(ILogger logger, string key, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Fetching {Key} broke")]
        public static partial void FetchBroke(ILogger logger, Exception exception, string key);
    }
}
