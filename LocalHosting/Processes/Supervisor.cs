using System.Diagnostics;
using System.Globalization;
using LocalHosting.Programs;
using Microsoft.Extensions.Logging;

namespace LocalHosting.Processes;

/// <summary>
/// The engine's end of the pipe to supervisor.sh, which ends everything that is registered here once this process is gone.
/// A supervisor that dies is started again and told the whole list.
/// </summary>
internal sealed partial class Supervisor(string engineId, string lockFile, string? ephemeralFolder, LauncherThread launcher, ILogger<Supervisor> log) : IAsyncDisposable
{
    private static readonly TimeSpan LastSweepBound = TimeSpan.FromSeconds(15);
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Dictionary<int, string> _sessions = [];
    private Process? _process;
    private bool _stopping;

    /// <summary>Every process of this engine has it in its environment, as LOCALHOSTING_ENGINE.</summary>
    public string EngineId => engineId;

    public async Task RegisterAsync(int sid, long startTime, UnixSignal signal)
    {
        await _gate.WaitAsync();
        try
        {
            _sessions[sid] = string.Create(CultureInfo.InvariantCulture, $"+ {sid} {startTime} {signal}");
            await WriteAsync(_sessions[sid]);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task UnregisterAsync(int sid)
    {
        await _gate.WaitAsync();
        try
        {
            if (_sessions.Remove(sid))
                await WriteAsync(string.Create(CultureInfo.InvariantCulture, $"- {sid}"));
        }
        finally
        {
            _gate.Release();
        }
    }

    public async Task StartAsync()
    {
        await _gate.WaitAsync();
        try
        {
            await StartProcessAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Closes the pipe: the supervisor looks once more, removes the ephemeral folder and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        await _gate.WaitAsync();
        try
        {
            _stopping = true;
            if (_process is null)
                return;
            _process.StandardInput.Close();
            using var bound = new CancellationTokenSource(LastSweepBound);
            await _process.WaitForExitAsync(bound.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _process.Dispose();
            _process = null;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task StartProcessAsync()
    {
        if (_stopping)
            return;
        var script = await EmbeddedText.ReadAsync("supervisor.sh", CancellationToken.None);
        var info = new ProcessStartInfo("setsid") { UseShellExecute = false, RedirectStandardInput = true, WorkingDirectory = "/" };
        foreach (var arg in (string[])["bash", "-c", script, "local-hosting-supervisor", engineId, lockFile, .. ephemeralFolder is null ? (string[])[] : [ephemeralFolder]])
            info.ArgumentList.Add(arg);
        var process = await launcher.StartAsync(info);
        process.EnableRaisingEvents = true;
        process.Exited += (_, _) => _ = RestartAsync(process);
        _process = process;
        foreach (var line in _sessions.Values)
            await WriteAsync(line);
    }

    private async Task RestartAsync(Process dead)
    {
        await _gate.WaitAsync();
        try
        {
            if (_stopping || !ReferenceEquals(_process, dead))
                return;
            Log.SupervisorDied(log, dead.ExitCode);
            await StartProcessAsync();
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task WriteAsync(string line)
    {
        try
        {
            if (_process is not null)
            {
                await _process.StandardInput.WriteLineAsync(line);
                await _process.StandardInput.FlushAsync();
            }
        }
        catch (IOException)
        {
            // It has just died: its successor is told the whole list.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "The supervisor ended with code {ExitCode}; starting it again")]
        public static partial void SupervisorDied(ILogger logger, int exitCode);
    }
}
