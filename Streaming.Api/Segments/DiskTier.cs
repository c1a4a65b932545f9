using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Microsoft.Win32.SafeHandles;

namespace Streaming.Api.Segments;

/// <summary>
/// What memory had no room for, in files of this process. Writing is background work with a bounded queue: when the disk
/// cannot keep up, segments are dropped, never requests.
/// </summary>
public sealed partial class DiskTier : BackgroundService
{
    /// <summary>Segments that wait to be written; what they hold is outside the memory cache's budget.</summary>
    private const int QueueLength = 16;

    private readonly DiskFolder _folder;
    private readonly ScanResistantCache<DiskFile> _files;
    private readonly ConcurrentDictionary<string, byte[]> _pending = new(StringComparer.Ordinal);
    private readonly Channel<string> _queue = Channel.CreateBounded<string>(QueueLength);
    private readonly bool _enabled;
    private readonly StreamingMetrics _metrics;
    private readonly ILogger<DiskTier> _logger;

    public DiskTier(IOptions<StreamingOptions> options, StreamingMetrics metrics, ILogger<DiskTier> logger)
    {
        _metrics = metrics;
        _logger = logger;
        _enabled = options.Value.DiskBytes > 0;
        _folder = new(options.Value.DiskPath);
        _files = new(options.Value.DiskBytes, OnGone);
    }

    /// <summary>For the bytes of a fetch that does not fit in memory, too.</summary>
    public DiskFolder Folder => _folder;

    /// <summary>Opens the file of a segment; the caller closes it. An evicted file can be read on while it is open.</summary>
    public bool TryOpen(string key, [NotNullWhen(true)] out SafeFileHandle? handle, out int hits)
    {
        handle = null;
        hits = 0;
        if (!_files.TryGet(key, out var file))
        {
            return false;
        }

        try
        {
            handle = File.OpenHandle(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            hits = Interlocked.Increment(ref file.Hits);
            return true;
        }
        catch (IOException)
        {
            _files.Remove(key); // evicted a moment ago, or somebody emptied the folder
            return false;
        }
    }

    /// <summary>A segment that is on its way to the disk.</summary>
    public bool TryGetPending(string key, [NotNullWhen(true)] out byte[]? bytes) => _pending.TryGetValue(key, out bytes);

    /// <summary>Takes what memory gave up.</summary>
    public void Spill(string key, byte[] bytes)
    {
        if (_enabled && !_files.Contains(key) && _pending.TryAdd(key, bytes) && !_queue.Writer.TryWrite(key))
        {
            _pending.TryRemove(key, out _);
        }
    }

    /// <summary>Takes over a complete file of <see cref="Folder"/>.</summary>
    public void Adopt(string key, string path, long bytes)
    {
        if (!_files.TryAdd(key, new(path), bytes))
        {
            DiskFolder.TryDelete(path);
        }
    }

    public void Remove(string key)
    {
        _pending.TryRemove(key, out _);
        _files.Remove(key);
    }

    public override void Dispose()
    {
        base.Dispose();
        _folder.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var key in _queue.Reader.ReadAllAsync(stoppingToken))
        {
            if (_pending.TryGetValue(key, out var bytes))
            {
                await WriteAsync(key, bytes, stoppingToken);
                _pending.TryRemove(key, out _);
            }
        }
    }

    private async Task WriteAsync(string key, byte[] bytes, CancellationToken ct)
    {
        var path = _folder.NextFile();
        try
        {
            using (var handle = DiskFolder.Create(path))
            {
                await RandomAccess.WriteAsync(handle, bytes, 0, ct);
            }

            if (_pending.ContainsKey(key))
            {
                Adopt(key, path, bytes.Length);
            }
            else
            {
                DiskFolder.TryDelete(path); // the video was deleted meanwhile
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotWritten(_logger, key, exception.Message);
            DiskFolder.TryDelete(path);
        }
    }

    private void OnGone(string key, DiskFile file, bool gaveWay)
    {
        if (gaveWay)
        {
            _metrics.DiskEviction();
        }

        DiskFolder.TryDelete(file.Path);
    }

    private sealed class DiskFile(string path)
    {
        public string Path => path;

        public int Hits;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The disk cache could not keep {Key}: {Reason}")]
        public static partial void NotWritten(ILogger logger, string key, string reason);
    }
}
