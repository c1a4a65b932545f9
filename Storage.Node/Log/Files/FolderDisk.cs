using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Storage.Node.Log.Files;

/// <summary>Real files in one folder.</summary>
public sealed partial class FolderDisk(string folder) : ILogDisk
{
    private const int NoSpace = 28; // ENOSPC
    private const int QuotaExceeded = 122; // EDQUOT
    private const int ReadOnly = 0; // O_RDONLY

    private readonly DriveInfo _drive = new(folder);

    public IReadOnlyList<string> Names() => [.. Directory.EnumerateFiles(folder).Select(path => Path.GetFileName(path))];

    public ILogFile Create(string name) => Guarded(() => new LogFile(Open(name, FileMode.CreateNew)));

    public ILogFile Open(string name) => new LogFile(Open(name, FileMode.Open));

    public void Rename(string from, string to) => File.Move(PathOf(from), PathOf(to), overwrite: true);

    public void Delete(string name) => File.Delete(PathOf(name));

    /// <summary>.NET opens no folders, and an fsync of a file says nothing of its name.</summary>
    public void FlushFolder()
    {
        var descriptor = OpenFolder(folder, ReadOnly);
        if (descriptor < 0)
        {
            throw new IOException($"open({folder}) failed with errno {Marshal.GetLastPInvokeError()}.");
        }

        try
        {
            if (SyncFolder(descriptor) < 0)
            {
                throw new IOException($"fsync({folder}) failed with errno {Marshal.GetLastPInvokeError()}.");
            }
        }
        finally
        {
            _ = CloseFolder(descriptor);
        }
    }

    /// <summary>As df counts: what only root may still use is neither used nor free.</summary>
    public double UsedPercent()
    {
        var used = _drive.TotalSize - _drive.TotalFreeSpace;
        var reachable = used + _drive.AvailableFreeSpace;
        return reachable == 0 ? 100 : 100.0 * used / reachable;
    }

    private static T Guarded<T>(Func<T> action)
    {
        try
        {
            return action();
        }
        catch (IOException exception) when (exception.HResult is NoSpace or QuotaExceeded)
        {
            throw new DiskFullException("The disk is full.", exception);
        }
    }

    // No lock of its own: the folder has one (FolderLock), and flock on each file would only cost.
    private SafeFileHandle Open(string name, FileMode mode) => File.OpenHandle(PathOf(name), mode, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);

    private string PathOf(string name) => Path.Combine(folder, name);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int OpenFolder(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int SyncFolder(int descriptor);

    [LibraryImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int CloseFolder(int descriptor);

    private sealed class LogFile(SafeFileHandle handle) : ILogFile
    {
        public long Length => RandomAccess.GetLength(handle);

        public int Read(Span<byte> buffer, long offset)
        {
            var read = 0;
            while (read < buffer.Length && RandomAccess.Read(handle, buffer[read..], offset + read) is > 0 and var more)
            {
                read += more;
            }

            return read;
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset) => Guarded(() =>
        {
            RandomAccess.Write(handle, buffers, offset);
            return true;
        });

        public void Truncate(long length) => RandomAccess.SetLength(handle, length);

        public void Flush() => Guarded(() =>
        {
            RandomAccess.FlushToDisk(handle);
            return true;
        });

        public void Dispose() => handle.Dispose();
    }
}
