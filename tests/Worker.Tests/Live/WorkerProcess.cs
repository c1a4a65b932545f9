using System.Collections.Concurrent;
using System.Diagnostics;
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
