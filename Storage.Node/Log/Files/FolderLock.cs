using Microsoft.Win32.SafeHandles;

namespace Storage.Node.Log.Files;

/// <summary>Keeps two processes from one folder, as long as this one lives: a kill gives it back.</summary>
public sealed class FolderLock : IDisposable
{
    private const string Name = "lock";

    private readonly SafeFileHandle _handle;

    private FolderLock(SafeFileHandle handle) => _handle = handle;

    /// <exception cref="InvalidOperationException">Another process has it.</exception>
    public static FolderLock Take(string folder)
    {
        try
        {
            return new(File.OpenHandle(Path.Combine(folder, Name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception)
        {
            throw new InvalidOperationException($"DATA_DIR {folder} is in use by another process. Give every node a folder of its own, or end the other one.", exception);
        }
    }

    public void Dispose() => _handle.Dispose();
}
