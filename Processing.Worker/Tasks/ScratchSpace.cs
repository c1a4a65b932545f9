using Lifecycle.Store.Tasks;
using Microsoft.Extensions.Options;

namespace Processing.Worker.Tasks;

/// <summary>The scratch disk is too full for a task.</summary>
public sealed class ScratchFullException(string message) : Exception(message);

/// <summary>The scratch disk is too small for a task, however long it waits.</summary>
public sealed class ScratchTooSmallException(string message) : Exception(message);

/// <summary>
/// This process's folder on the scratch disk: one folder a lease below it, and the cached sources. The folder is locked while
/// the process lives; what processes that were killed left behind is removed at the next start of any worker.
/// </summary>
public sealed partial class ScratchSpace : IDisposable
{
    private const string LockName = "lock";
    private const string Prefix = "videoplatform-worker-";

    /// <summary>The sandboxed ffmpeg is another user: it must come through, and sees only what it is handed.</summary>
    private const UnixFileMode Passable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
        | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private readonly FileStream _lock;
    private readonly long _reserveBytes;
    private readonly ILogger<ScratchSpace> _logger;

    public ScratchSpace(IOptions<WorkerOptions> options, IOptions<TranscoderOptions> transcoder, ILogger<ScratchSpace> logger)
    {
        _logger = logger;
        _reserveBytes = options.Value.ReserveBytes;
        var parent = new[] { options.Value.ScratchPath, transcoder.Value.TempDir }.FirstOrDefault(path => path.Length > 0) is { } path ? Path.GetFullPath(path) : Path.GetTempPath();
        Directory.CreateDirectory(parent);
        RemoveDead(parent);
        var name = $"{Prefix}{Environment.ProcessId}-{Guid.NewGuid():N}";
        // Locked before it has the name that others look for: a worker that starts in the same moment would remove it as a dead one's.
        var staged = Path.Combine(parent, $".{name}");
        Directory.CreateDirectory(staged, Passable);
        _lock = new(Path.Combine(staged, LockName), FileMode.Create, FileAccess.ReadWrite, FileShare.None);
        Root = Path.Combine(parent, name);
        Directory.Move(staged, Root);
        Sources = Path.Combine(Root, "sources");
        Directory.CreateDirectory(Sources, Passable);
    }

    public string Root { get; }

    public string Sources { get; }

    /// <summary>A fresh folder for one lease.</summary>
    public string Create(ClaimedTask task) => Create(task.LeaseToken);

    /// <summary>The same for a live session's lease: tokens are of one sequence.</summary>
    public string Create(long leaseToken)
    {
        var folder = Path.Combine(Root, $"lease-{leaseToken}");
        Directory.CreateDirectory(folder, Passable);
        return folder;
    }

    public void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.NotRemoved(_logger, folder, exception.Message);
        }
    }

    /// <summary>Refuses what would fill the disk.</summary>
    /// <exception cref="ScratchFullException">Less than the reserve would be left.</exception>
    /// <exception cref="ScratchTooSmallException">It would not be if the disk were empty.</exception>
    public void Admit(long bytes)
    {
        DriveInfo disk = new(Root);
        if (disk.TotalSize - bytes < _reserveBytes)
        {
            throw new ScratchTooSmallException($"The scratch disk has {disk.TotalSize} bytes, {bytes} are needed beside a reserve of {_reserveBytes}: give the workers a larger one.");
        }

        var free = disk.AvailableFreeSpace;
        if (free - bytes < _reserveBytes)
        {
            throw new ScratchFullException($"{free} bytes are free, {bytes} are needed beside a reserve of {_reserveBytes}.");
        }
    }

    public void Dispose()
    {
        _lock.Dispose();
        Remove(Root);
    }

    private void RemoveDead(string parent)
    {
        foreach (var folder in Directory.EnumerateDirectories(parent, $"{Prefix}*"))
        {
            try
            {
                // The lock of a living process cannot be taken.
                new FileStream(Path.Combine(folder, LockName), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None).Dispose();
                Directory.Delete(folder, recursive: true);
                Log.DeadRemoved(_logger, folder);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It lives, or another worker removes it.
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Removed {Folder}, left by a worker that was killed")]
        public static partial void DeadRemoved(ILogger logger, string folder);

        [LoggerMessage(Level = LogLevel.Warning, Message = "{Folder} could not be removed: {Reason}")]
        public static partial void NotRemoved(ILogger logger, string folder, string reason);
    }
}
