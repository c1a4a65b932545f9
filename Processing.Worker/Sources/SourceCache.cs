using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Microsoft.Extensions.Options;
using Processing.Worker.Media;
using Processing.Worker.Tasks;

namespace Processing.Worker.Sources;

/// <summary>
/// Sources that this worker has on its disk. Each is downloaded once, however many tasks want it, and kept for the next ones
/// until the cache's bound; the one used longest ago goes first, and never one in use.
/// </summary>
public sealed class SourceCache(ObjectStore objects, ScratchSpace scratch, IOptions<WorkerOptions> options)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private long _clock;

    /// <summary>The uploaded file.</summary>
    public Task<OpenSource> OpenAsync(Guid videoId, CancellationToken ct) => OpenKeyAsync(ObjectKeys.Source(videoId), ct);

    /// <summary>What chunk and audio tasks read: the uploaded file, or the plan's remuxed one.</summary>
    public Task<OpenSource> OpenAsync(TaskContext context, TaskOutput<MediaPlan> plan, CancellationToken ct) =>
        plan.Result.Normalized is { } normalized ? OpenKeyAsync(context.Stored(normalized, plan.LeaseToken).Key, ct) : OpenAsync(context.Task.VideoId, ct);

    private async Task<OpenSource> OpenKeyAsync(string key, CancellationToken ct)
    {
        Entry entry;
        lock (_gate)
        {
            if (!_entries.TryGetValue(key, out entry!))
            {
                // The download belongs to nobody's task: the one that began it may be stopped while others wait for it.
                entry = new(Path.Combine(scratch.Sources, Guid.NewGuid().ToString("N")));
                entry.Download = DownloadAsync(key, entry);
                _entries.Add(key, entry);
            }

            entry.Users++;
            entry.UsedAt = ++_clock;
        }

        try
        {
            await entry.Download!.WaitAsync(ct);
            return new(entry.Path, () => Leave(entry));
        }
        catch
        {
            Leave(entry);
            throw;
        }
    }

    private async Task DownloadAsync(string key, Entry entry)
    {
        await Task.Yield(); // the caller holds the gate
        try
        {
            var bytes = await objects.SizeAsync(key, CancellationToken.None)
                ?? throw new MediaFailureException(new(MediaFailureCategory.Storage, "The source is missing from the store.", ""));
            scratch.Admit(bytes);
            await objects.DownloadAsync(key, entry.Path, CancellationToken.None);
            if (new FileInfo(entry.Path).Length != bytes)
            {
                throw new HttpIOException(HttpRequestError.ResponseEnded, "The source was cut off while it was downloaded.");
            }

            File.SetUnixFileMode(entry.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead);
            entry.Bytes = bytes;
        }
        catch
        {
            lock (_gate)
            {
                _entries.Remove(key); // the next one tries again
            }

            File.Delete(entry.Path);
            throw;
        }
    }

    private void Leave(Entry entry)
    {
        lock (_gate)
        {
            entry.Users--;
            foreach (var (key, oldest) in _entries.Where(pair => pair.Value is { Users: 0, Download.IsCompleted: true }).OrderBy(pair => pair.Value.UsedAt).ToList())
            {
                if (_entries.Values.Sum(each => each.Bytes) <= options.Value.CacheBytes)
                {
                    break;
                }

                _entries.Remove(key);
                File.Delete(oldest.Path);
            }
        }
    }

    private sealed class Entry(string path)
    {
        public string Path { get; } = path;

        public Task? Download { get; set; }

        public int Users { get; set; }

        public long UsedAt { get; set; }

        public long Bytes { get; set; }
    }
}

/// <summary>A source that will not be removed before this is disposed.</summary>
public sealed class OpenSource(string path, Action leave) : IDisposable
{
    private Action? _leave = leave;

    public string Path => path;

    public void Dispose() => Interlocked.Exchange(ref _leave, null)?.Invoke();
}
