using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LocalHosting.Processes;
using LocalHosting.Tests.Model;

namespace LocalHosting.Tests.Running;

/// <summary>The sample AppHost as a process of its own, as a user starts it.</summary>
internal sealed class SampleRun : IAsyncDisposable
{
    private readonly Process _process;
    private readonly TemporaryFolder _folder = new();
    private readonly List<string> _output = [];

    private SampleRun(string[] args)
    {
        var info = new ProcessStartInfo("dotnet") { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var arg in (string[])["exec", Assembly, "--endpoints", EndpointsFile, .. args])
            info.ArgumentList.Add(arg);
        // Temporary state goes where the test sees that it is gone.
        info.Environment["TMPDIR"] = _folder.Path;
        info.Environment["DOTNET_ENVIRONMENT"] = "Development";
        _process = Process.Start(info)!;
        _process.OutputDataReceived += Keep;
        _process.ErrorDataReceived += Keep;
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Pid => _process.Id;

    public string Output
    {
        get
        {
            lock (_output)
                return string.Join('\n', _output);
        }
    }

    public JsonElement Endpoints => JsonDocument.Parse(File.ReadAllText(EndpointsFile)).RootElement;

    /// <summary>The temporary state folders that are there.</summary>
    public string[] StateFolders => Directory.GetDirectories(_folder.Path, "local-hosting-*");

    private static string Assembly => typeof(Projects.SampleAppHost).Assembly.Location;

    private string EndpointsFile => Path.Combine(_folder.Path, "endpoints.json");

    public static async Task<SampleRun> StartAsync(params string[] args)
    {
        var run = new SampleRun(args);
        await Eventually.Holds(() => (Healthy: File.Exists(run.EndpointsFile) && run.Output.Contains("All healthy", StringComparison.Ordinal), run._process.HasExited, run.Output), s => s.Healthy || s.HasExited, seconds: 90);
        return run;
    }

    /// <summary>Every process of this engine that is still there: those that carry its mark, and those of its sessions that have overwritten theirs.</summary>
    public static List<string> Processes(string mark, IReadOnlyList<int> sessions) =>
    [
        .. Directory.EnumerateDirectories("/proc").Select(p => Path.GetFileName(p)).Where(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Where(pid => Read(pid, "environ").Contains(mark, StringComparison.Ordinal) || Belongs(pid, sessions))
            .Select(pid => $"{pid} {Read(pid, "cmdline").Replace('\0', ' ')}"),
    ];

    /// <summary>The engine's mark, as its processes carry it, and the sessions that it has started.</summary>
    public (string Mark, IReadOnlyList<int> Sessions) Identify()
    {
        var sessions = Directory.EnumerateDirectories("/proc").Select(p => Path.GetFileName(p)).Where(p => int.TryParse(p, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            .Where(pid => Stat(pid) is [_, var parent, ..] && parent == Pid.ToString(CultureInfo.InvariantCulture))
            .Select(pid => int.Parse(pid, CultureInfo.InvariantCulture)).ToList();
        var mark = sessions.SelectMany(s => Read(s.ToString(CultureInfo.InvariantCulture), "environ").Split('\0')).First(v => v.StartsWith("LOCALHOSTING_ENGINE=", StringComparison.Ordinal));
        return (mark, sessions);
    }

    public void Signal(UnixSignal signal) => Native.Signal(Pid, signal);

    public async Task<int> ExitAsync(double seconds = 60)
    {
        await Eventually.Holds(() => (_process.HasExited, Output), s => s.HasExited, seconds);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Signal(UnixSignal.TERM);
            await ExitAsync();
        }

        _process.Dispose();
        await Eventually.Holds(() => StateFolders.Length, count => count == 0);
        _folder.Dispose();
    }

    private static bool Belongs(string pid, IReadOnlyList<int> sessions) =>
        Stat(pid) is [not "Z", _, _, var session, ..] && sessions.Contains(int.Parse(session, CultureInfo.InvariantCulture));

    private static string[] Stat(string pid)
    {
        var stat = Read(pid, "stat");
        return stat.Length == 0 ? [] : stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
    }

    private static string Read(string pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private void Keep(object sender, DataReceivedEventArgs e)
    {
        if (e.Data is null)
            return;
        lock (_output)
            _output.Add(e.Data);
    }
}
