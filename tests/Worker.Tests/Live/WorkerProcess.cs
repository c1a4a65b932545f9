using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Processing.Worker.Live;
using Testing;

namespace Worker.Tests.Live;

/// <summary>The product's worker as a process of its own, over the stores of a test: it can be killed and stopped.</summary>
internal sealed class WorkerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _lines = new();
    private readonly string _scratch = Directory.CreateTempSubdirectory("live-worker-").FullName;

    private WorkerProcess(TestStore store, IEnumerable<(string Name, string Value)> settings)
    {
        File.SetUnixFileMode(_scratch, (UnixFileMode)0b111_101_101);
        Faults = Directory.CreateDirectory(Path.Combine(_scratch, "faults")).FullName;
        ProcessStartInfo start = new("dotnet", [typeof(LiveServices).Assembly.Location]) { UseShellExecute = false, RedirectStandardOutput = true, RedirectStandardError = true };
        (string Name, string Value)[] usual =
        [
            .. store.ConnectionStrings.Select(each => (each.Key, each.Value ?? "")), ("ASPNETCORE_URLS", "http://127.0.0.1:0"), ("DOTNET_ENVIRONMENT", "Development"), ("ASPNETCORE_ENVIRONMENT", "Development"),
            ("Worker:ScratchPath", _scratch), ("Worker:LivePixelsPerSecond", "40000000"), ("Worker:LivePreset", "ultrafast"), ("Streams:ResumeWithinSeconds", "8"),
            ("FaultPoints:Directory", Faults),
        ];
        foreach (var (name, value) in usual.Concat(settings))
        {
            start.Environment[name.Replace(":", "__", StringComparison.Ordinal)] = value;
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _lines.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>Where a fault point is armed by a file of its name.</summary>
    public string Faults { get; }

    public int Pid => _process.Id;

    public string Output => string.Join('\n', _lines);

    /// <summary>The most memory that it ever had.</summary>
    public int PeakMebibytes => int.Parse(
        File.ReadLines($"/proc/{Pid}/status").Single(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;

    /// <summary>Its encoders, wherever the sandbox put them below it.</summary>
    public IReadOnlyList<int> Encoders()
    {
        var parents = Directory.EnumerateDirectories("/proc").Select(Path.GetFileName).Where(name => int.TryParse(name, CultureInfo.InvariantCulture, out _))
            .Select(name => (Pid: int.Parse(name!, CultureInfo.InvariantCulture), Stat: Read(name!, "stat"))).Where(each => each.Stat.Length > 0)
            .ToDictionary(each => each.Pid, each => int.Parse(each.Stat[(each.Stat.LastIndexOf(')') + 2)..].Split(' ')[1], CultureInfo.InvariantCulture));
        return [.. parents.Keys.Where(pid => IsBelow(pid) && Read($"{pid}", "cmdline").Split('\0') is [var program, .. var rest] && program.EndsWith("ffmpeg", StringComparison.Ordinal) && rest.Contains("pipe:0"))];

        bool IsBelow(int pid) => pid == Pid || (parents.TryGetValue(pid, out var parent) && IsBelow(parent));
    }

    /// <summary>Empty where the process is gone.</summary>
    private static string Read(string pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (IOException)
        {
            return "";
        }
    }

    /// <summary>Its folder on the scratch disk becomes a file: whatever it begins there fails.</summary>
    public void BreakScratch()
    {
        var folder = Assert.Single(Directory.EnumerateDirectories(_scratch, "videoplatform-worker-*"));
        Directory.Delete(folder, recursive: true);
        File.WriteAllText(folder, "");
    }

    public static WorkerProcess Start(TestStore store, params (string Name, string Value)[] settings) => new(store, settings);

    public Task ExitedAsync() => _process.WaitForExitAsync();

    public async Task KillAsync()
    {
        await Signals.SendAsync("KILL", Pid);
        await _process.WaitForExitAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (Environment.GetEnvironmentVariable("WORKER_TESTS_OUTPUT") is { } folder)
        {
            await File.WriteAllTextAsync(Path.Combine(folder, $"{TestContext.Current.TestMethod?.MethodName}-{Pid}.log"), Output);
        }

        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync();
        _process.Dispose();
        Directory.Delete(_scratch, recursive: true);
    }
}
