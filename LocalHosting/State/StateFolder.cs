using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting;
using LocalHosting.Processes;

namespace LocalHosting.State;

/// <summary>
/// Everything that one engine keeps: data and logs per resource, ports, secrets, the files that tell others about it. One engine at a time,
/// held by the lock of an open file, so that the end of the process, in whatever way, ends it.
/// </summary>
internal sealed class StateFolder : IDisposable
{
    private static readonly TimeSpan PredecessorBound = TimeSpan.FromSeconds(20);
    private readonly FileStream _lock;

    private StateFolder(string root, string dataRoot, bool isEphemeral, FileStream heldLock)
    {
        Root = root;
        DataRoot = dataRoot;
        IsEphemeral = isEphemeral;
        _lock = heldLock;
    }

    public string Root { get; }

    public string DataRoot { get; }

    public bool IsEphemeral { get; }

    /// <summary>Held by the supervisor until the last process is gone.</summary>
    public string SupervisorLock => SupervisorLockOf(Root);

    public string LogFile(string resource) => Path.Combine(Root, "logs", resource + ".log");

    public string EndpointsFile => Path.Combine(Root, "endpoints.json");

    public string PidsFile => Path.Combine(Root, "pids.json");

    public string PortsFile => Path.Combine(Root, "ports.json");

    public string SecretsFile => Path.Combine(Root, "secrets.json");

    /// <summary>Where the state lies, before anything is opened: the solution's `.local`, a temporary folder, or what the options name.</summary>
    public static string PathFor(EngineOptions options)
    {
        if (options.StateFolder is not null)
            return options.StateFolder;
        if (options.Ephemeral)
            return Path.Combine(Path.GetTempPath(), "local-hosting-" + Guid.CreateVersion7().ToString("N"));
        var solution = new DirectoryInfo(options.AppHostDirectory);
        while (solution is not null && !solution.EnumerateFiles("*.sln*").Any())
            solution = solution.Parent;
        return Path.Combine(solution?.FullName ?? options.AppHostDirectory, ".local");
    }

    public static async Task<StateFolder> OpenAsync(string root, bool ephemeral, TimeProvider time, CancellationToken ct)
    {
        if (root.Contains(' ', StringComparison.Ordinal))
            throw new DistributedApplicationException($"The state folder '{root}' has a space in its path, which the storage server cannot take. Name another one with --state FOLDER.");
        Directory.CreateDirectory(root);
        var held = TryLock(Path.Combine(root, "lock")) ?? throw new DistributedApplicationException(
            $"Another instance{OwnerOf(root)} uses {root}. Stop it, or run beside it with: --ephemeral --endpoints FILE");
        try
        {
            await File.WriteAllTextAsync(Path.Combine(root, "engine.pid"), Environment.ProcessId.ToString(), ct);
            await WaitForPredecessorAsync(root, time, ct);
            var data = DataFolderFor(root);
            Directory.CreateDirectory(Path.Combine(root, "logs"));
            File.Delete(Path.Combine(root, "endpoints.json"));
            return new(root, data, ephemeral, held);
        }
        catch
        {
            await held.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes back what says that an engine runs here; the lock stays until <see cref="Dispose"/>.</summary>
    public void RemoveNotices()
    {
        foreach (var file in new[] { EndpointsFile, PidsFile, Path.Combine(Root, "engine.pid") })
            File.Delete(file);
    }

    public void Dispose() => _lock.Dispose();

    private static string SupervisorLockOf(string root) => Path.Combine(root, "supervisor.lock");

    private static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (e is not (FileNotFoundException or DirectoryNotFoundException))
        {
            return null;
        }
    }

    private static string OwnerOf(string root)
    {
        var file = Path.Combine(root, "engine.pid");
        return File.Exists(file) ? $" (pid {File.ReadAllText(file)})" : "";
    }

    /// <summary>After a kill -9 the supervisor of the engine before this one is still ending its processes: their data must not be opened twice.</summary>
    private static async Task WaitForPredecessorAsync(string root, TimeProvider time, CancellationToken ct)
    {
        for (var since = time.GetTimestamp(); time.GetElapsedTime(since) < PredecessorBound;)
        {
            if (TryLock(SupervisorLockOf(root)) is { } free)
            {
                await free.DisposeAsync();
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), time, ct);
        }

        throw new DistributedApplicationException($"The processes of the instance that used {root} before have not ended after {PredecessorBound.TotalSeconds} s.");
    }

    /// <summary>
    /// Servers that do not run as root must be able to walk to their data. Where a folder above is closed to others (/root), the data lies
    /// under /var/lib and `.local/data` is a link to it.
    /// </summary>
    private static string DataFolderFor(string root)
    {
        var data = Path.Combine(root, "data");
        if (new DirectoryInfo(data).LinkTarget is { } target)
            return target;
        if (!Native.IsRoot || Directory.Exists(data) || IsOpenToOthers(root))
        {
            Directory.CreateDirectory(data);
            return data;
        }

        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(root)))[..10];
        var elsewhere = Path.Combine("/var/lib/local-hosting", hash, "data");
        Directory.CreateDirectory(elsewhere);
        File.CreateSymbolicLink(data, elsewhere);
        return elsewhere;
    }

    private static bool IsOpenToOthers(string path)
    {
        for (var folder = new DirectoryInfo(path); folder is not null; folder = folder.Parent)
        {
            if (!folder.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                return false;
        }

        return true;
    }
}
