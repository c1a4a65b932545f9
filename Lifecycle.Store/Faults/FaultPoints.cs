using System.Globalization;
using System.Runtime.InteropServices;
using Lifecycle.Contracts;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Lifecycle.Store.Faults;

/// <summary>
/// Test-only: stops, kills or delays this process at a named place. Inert outside Development and without
/// <c>FaultPoints:Directory</c>. A file named like the point arms it once for one process; its text is
/// <c>kill</c>, <c>stop</c> (SIGSTOP), <c>fail</c> or <c>delay SECONDS</c>. The taken file is renamed to <c>POINT.PID.hit</c>.
/// </summary>
public sealed partial class FaultPoints
{
    private const int SigKill = 9;
    private const int SigStop = 19;

    private readonly string? _directory;
    private readonly TimeProvider _time;
    private readonly ILogger<FaultPoints> _logger;

    public FaultPoints(IConfiguration configuration, IHostEnvironment environment, TimeProvider time, ILogger<FaultPoints> logger)
    {
        _directory = environment.IsDevelopment() ? configuration["FaultPoints:Directory"] : null;
        _time = time;
        _logger = logger;
    }

    /// <summary>Passes the point; returns at once unless a test has armed it.</summary>
    /// <exception cref="IOException">The armed text is <c>fail</c>.</exception>
    public ValueTask PassAsync(FaultPoint point, CancellationToken ct) => PassAsync(point.ToString(), ct);

    /// <summary>The same place for one of the things that come by it: armed by a file named <c>POINT.OF</c>.</summary>
    public ValueTask PassAsync(FaultPoint point, string of, CancellationToken ct) => _directory is null ? default : PassAsync($"{point}.{of}", ct);

    private async ValueTask PassAsync(string point, CancellationToken ct)
    {
        if (_directory is null || Take(point) is not { } action)
        {
            return;
        }

        Log.FaultTaken(_logger, point, action);
        switch (action.Split(' '))
        {
            case ["kill"]:
                _ = Kill(Environment.ProcessId, SigKill);
                break;
            case ["stop"]:
                _ = Kill(Environment.ProcessId, SigStop);
                break;
            case ["delay", var seconds]:
                await Task.Delay(TimeSpan.FromSeconds(double.Parse(seconds, CultureInfo.InvariantCulture)), _time, ct);
                break;
            default:
                throw new IOException($"Fault point {point}: {action}");
        }
    }

    private string? Take(string point)
    {
        var armed = Path.Combine(_directory!, point);
        if (!File.Exists(armed))
        {
            return null;
        }

        var taken = $"{armed}.{Environment.ProcessId}.hit";
        try
        {
            File.Move(armed, taken); // atomic: one process wins
        }
        catch (IOException)
        {
            return null;
        }

        return File.ReadAllText(taken).Trim();
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Kill(int pid, int signal);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Fault point {Point}: {Action}")]
        public static partial void FaultTaken(ILogger logger, string point, string action);
    }
}
