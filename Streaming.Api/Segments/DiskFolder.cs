using Microsoft.Win32.SafeHandles;

namespace Streaming.Api.Segments;

/// <summary>
/// This process's own folder for the disk cache. A lock file that the process holds open says that it lives; at the start
/// of any process, the folders whose lock nobody holds are removed: those of processes that were killed.
/// </summary>
public sealed class DiskFolder : IDisposable
{
    private const string Prefix = "replica-";
    private const string LockSuffix = ".lock";
    private const int Tries = 3;
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly FileStream _lock;
    private long _files;

    /// <param name="root">The folder that all replicas of this machine share; null: one in the temporary folder.</param>
    public DiskFolder(string? root)
    {
        root ??= System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"videoplatform-streaming-{Environment.UserName}");
        Make(root);
        RemoveOrphans(root);
        (Path, _lock) = Take(root);
        Make(Path);
    }

    public string Path { get; }

    /// <summary>A name that was not used before.</summary>
    public string NextFile() => System.IO.Path.Combine(Path, Interlocked.Increment(ref _files).ToString(System.Globalization.CultureInfo.InvariantCulture));

    public static SafeFileHandle Create(string path) =>
        File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>A file that is gone already, with its folder or without, is as good as deleted; one that cannot be deleted goes with the folder.</summary>
    public static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // As said.
        }
    }

    public void Dispose()
    {
        Remove(Path);
        _lock.Dispose();
    }

    private static (string Path, FileStream Lock) Take(string root)
    {
        for (var tries = 1; ; tries++)
        {
            var path = System.IO.Path.Combine(root, Prefix + Guid.CreateVersion7().ToString("N"));
            try
            {
                return (path, new(path + LockSuffix, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose));
            }
            catch (IOException) when (tries < Tries)
            {
                // A process that started in the same moment looked at the file between its making and its locking.
            }
        }
    }

    private static void RemoveOrphans(string root)
    {
        foreach (var lockFile in Directory.GetFiles(root, Prefix + "*" + LockSuffix))
        {
            try
            {
                using FileStream held = new(lockFile, FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
                Remove(lockFile[..^LockSuffix.Length]);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                // It lives, or another process is removing it.
            }
        }
    }

    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (DirectoryNotFoundException)
        {
            // Gone already.
        }
    }

    private static void Make(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
        }
        else
        {
            Directory.CreateDirectory(path, OwnerOnly);
        }
    }
}
