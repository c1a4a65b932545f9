using System.Diagnostics;
using System.Globalization;

namespace LocalHosting.Processes;

/// <summary>
/// The whole truth about one process: its own session, both pipes read to the end at the same time, a graceful and a forceful end,
/// and nothing of its session left once it has ended.
/// </summary>
internal sealed class ChildProcess
{
    private static readonly TimeSpan KillBound = TimeSpan.FromSeconds(10);
    private readonly Process _process;
    private readonly ProcessSpec _spec;
    private readonly Supervisor _supervisor;
    private readonly TimeProvider _time;

    private ChildProcess(Process process, ProcessSpec spec, Action<string> output, Supervisor supervisor, TimeProvider time)
    {
        _process = process;
        _spec = spec;
        _supervisor = supervisor;
        _time = time;
        Pid = process.Id;
        Pumps = Task.WhenAll(PumpAsync(process.StandardOutput, output), PumpAsync(process.StandardError, output));
        Exited = WaitAsync();
    }

    public string Label => _spec.Label;

    public int Pid { get; }

    /// <summary>Completes with the exit code once the process and everything in its session have ended.</summary>
    public Task<int> Exited { get; }

    /// <summary>Completes once all output has been read.</summary>
    public Task Pumps { get; }

    public static async Task<ChildProcess> StartAsync(ProcessSpec spec, LauncherThread launcher, Supervisor supervisor, Action<string> output, TimeProvider time)
    {
        var process = await launcher.StartAsync(StartInfo(spec, supervisor.EngineId));
        process.StandardInput.Close();
        if (ProcFs.StartTime(process.Id) is { } startTime)
            await supervisor.RegisterAsync(process.Id, startTime, spec.StopSignal);
        return new(process, spec, output, supervisor, time);
    }

    /// <summary>Asks, waits, then kills the session; returns when it is gone or the kernel does not let go of it.</summary>
    public async Task StopAsync()
    {
        if (Exited.IsCompleted)
            return;
        Native.Signal(Pid, _spec.StopSignal);
        if (await EndedWithinAsync(_spec.StopGrace))
            return;
        ProcFs.KillSession(Pid);
        await EndedWithinAsync(KillBound);
    }

    private async Task<bool> EndedWithinAsync(TimeSpan bound) =>
        await Task.WhenAny(Exited, Task.Delay(bound, _time, CancellationToken.None)) == Exited;

    /// <summary>
    /// setsid and setpriv replace themselves with the program, so the pid is the program's, and the session's number is the pid.
    /// User and death signal in one setpriv: a change of user clears a signal that was set before.
    /// </summary>
    private static ProcessStartInfo StartInfo(ProcessSpec spec, string engineId)
    {
        var info = new ProcessStartInfo("setsid")
        {
            UseShellExecute = false,
            WorkingDirectory = spec.WorkingDirectory,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        string[] user = spec.User is null ? [] : ["--reuid=" + spec.User, "--regid=" + spec.User, "--init-groups"];
        foreach (var arg in (string[])["setpriv", .. user, "--pdeathsig", spec.StopSignal.ToString(), "--", spec.Program, .. spec.Args])
            info.ArgumentList.Add(arg);
        foreach (var (name, value) in spec.Environment)
            info.Environment[name] = value;
        info.Environment["LOCALHOSTING_ENGINE"] = engineId;
        return info;
    }

    private async Task<int> WaitAsync()
    {
        await _process.WaitForExitAsync();
        for (var deadline = _time.GetTimestamp(); ProcFs.Session(Pid).Count > 0 && _time.GetElapsedTime(deadline) < KillBound;)
        {
            ProcFs.KillSession(Pid);
            await Task.Delay(TimeSpan.FromMilliseconds(20), _time, CancellationToken.None);
        }

        await _supervisor.UnregisterAsync(Pid);
        return _process.ExitCode;
    }

    private static async Task PumpAsync(StreamReader reader, Action<string> output)
    {
        while (await reader.ReadLineAsync() is { } line)
            output(line);
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Label} (pid {Pid})");
}
