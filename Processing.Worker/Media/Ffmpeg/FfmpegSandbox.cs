using System.Diagnostics;

namespace Processing.Worker.Media.Ffmpeg;

/// <summary>
/// What this machine allows to put around ffmpeg, which parses files from strangers. Each wrapper replaces itself with the next
/// (one process, one id to kill); setpriv comes last, because a change of user clears the parent-death signal.
/// </summary>
/// <param name="Limits">prlimit exists.</param>
/// <param name="Network">How to leave the network: arguments of unshare, empty where not permitted.</param>
/// <param name="Privileges">setpriv exists.</param>
/// <param name="Root">We run as root: ffmpeg becomes user 65534 where it can read the source, otherwise root without capabilities.</param>
internal sealed record FfmpegSandbox(bool Limits, IReadOnlyList<string> Network, bool Privileges, bool Root)
{
    public const int UsualNiceness = 5;

    private const string Nobody = "65534";

    /// <summary>Far above what a 2160p ladder takes, below what would take the machine down.</summary>
    private const long MaxAddressSpaceBytes = 32L << 30;

    public static FfmpegSandbox None { get; } = new(false, [], false, false);

    /// <param name="command">Program and arguments.</param>
    /// <param name="cpuSeconds">CPU time limit of the process.</param>
    /// <param name="fileBytes">Size limit of a file that it writes.</param>
    /// <param name="dropUser">Where root: run as nobody. False where nobody could not read the source.</param>
    /// <param name="niceness">Below the services by default; what must keep up with real time gets 0.</param>
    public IReadOnlyList<string> Wrap(IReadOnlyList<string> command, long cpuSeconds, long fileBytes, bool dropUser, int niceness = UsualNiceness)
    {
        var wrapped = new List<string>();
        if (Limits)
            wrapped.AddRange(["prlimit", $"--as={MaxAddressSpaceBytes}", $"--cpu={cpuSeconds}", $"--fsize={fileBytes}", "--core=0", "--"]);
        if (Privileges)
            wrapped.AddRange(["nice", "-n", $"{niceness}"]);
        if (Network.Count > 0)
            wrapped.AddRange(["unshare", .. Network, "--"]);
        if (Privileges)
        {
            wrapped.AddRange(["setpriv", "--no-new-privs", "--pdeathsig", "KILL"]);
            if (Root && dropUser)
                wrapped.AddRange(["--reuid", Nobody, "--regid", Nobody, "--clear-groups"]);
            if (Root)
                wrapped.AddRange(["--inh-caps=-all", "--bounding-set=-all"]);
            wrapped.Add("--");
        }
        return [.. wrapped, .. command];
    }

    /// <summary>Tries each wrapper once with a program that does nothing.</summary>
    public static async Task<FfmpegSandbox> DetectAsync(StarterThread starter, CancellationToken ct)
    {
        if (!OperatingSystem.IsLinux())
            return None;

        var root = Environment.IsPrivilegedProcess;
        var sandbox = None with { Limits = await WorksAsync(None with { Limits = true }, starter, ct) };
        var privileged = new FfmpegSandbox(false, [], true, root);
        if (await WorksAsync(privileged, starter, ct))
            sandbox = sandbox with { Privileges = true, Root = root };

        foreach (var network in root ? [["--net"]] : new[] { new[] { "--net", "--map-current-user" } })
        {
            if (await WorksAsync(sandbox with { Network = network }, starter, ct))
                return sandbox with { Network = network };
        }
        return sandbox;
    }

    /// <summary>True where any user may read the file: as nobody, ffmpeg needs every directory on the way too.</summary>
    public static bool IsWorldReadable(string path)
    {
        if (OperatingSystem.IsWindows())
            return true;
        var full = Path.GetFullPath(path);
        if (!File.GetUnixFileMode(full).HasFlag(UnixFileMode.OtherRead))
            return false;
        for (var parent = Path.GetDirectoryName(full); parent is not null; parent = Path.GetDirectoryName(parent))
        {
            if (!File.GetUnixFileMode(parent).HasFlag(UnixFileMode.OtherExecute))
                return false;
        }
        return true;
    }

    private static async Task<bool> WorksAsync(FfmpegSandbox sandbox, StarterThread starter, CancellationToken ct)
    {
        var command = sandbox.Wrap(["true"], cpuSeconds: 10, fileBytes: 1 << 20, dropUser: true);
        try
        {
            using var process = await starter.StartAsync(new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardError = true, RedirectStandardOutput = true, UseShellExecute = false });
            await process.WaitForExitAsync(ct);
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
