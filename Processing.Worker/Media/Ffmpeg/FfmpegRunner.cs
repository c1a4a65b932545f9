using System.Diagnostics;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media;

/// <summary>Where the programs are: names on the PATH, or paths.</summary>
public sealed record FfmpegPrograms(string Ffmpeg, string Ffprobe)
{
    public static FfmpegPrograms OnPath { get; } = new("ffmpeg", "ffprobe");

    internal string PathOf(string tool) => tool switch
    {
        "ffmpeg" => Ffmpeg,
        "ffprobe" => Ffprobe,
        var other => other,
    };
}

/// <summary>
/// Runs ffmpeg and ffprobe in the sandbox that this machine allows. One per process, shared by all tasks.
/// As root, ffmpeg runs as an unprivileged user, so the directories that lead to the source should let anyone pass (mode 711 or 755).
/// </summary>
public sealed partial class FfmpegRunner(TimeProvider time, FfmpegPrograms programs, ILogger<FfmpegRunner> logger) : IDisposable
{
    /// <summary>Encoders use several threads: CPU time is bounded well above wall time.</summary>
    private const int CpuSecondsPerSecond = 16;

    private const long FileSizeSlackBytes = 4L << 30;

    /// <summary>What runs between pipes writes no files.</summary>
    private const long PipeFileBytes = 1 << 20;

    private readonly StarterThread _starter = new();
    private readonly SemaphoreSlim _detecting = new(1, 1);
    private FfmpegSandbox? _sandbox;

    internal TimeProvider Time => time;

    /// <summary>Runs a command to its end.</summary>
    /// <returns>The end of what it wrote to standard error.</returns>
    /// <exception cref="MediaFailureException">It failed, stalled or took too long.</exception>
    internal async Task<string> RunAsync(FfmpegCommand command, CancellationToken ct)
    {
        var sandbox = await SandboxAsync(ct);
        var readable = command.SourcePath is null || FfmpegSandbox.IsWorldReadable(command.SourcePath);
        if (sandbox.Root && !readable)
            Log.SourceNotReadable(logger);

        var sourceBytes = command.SourcePath is { } source ? new FileInfo(source).Length : 0;
        var wrapped = sandbox.Wrap(
            [programs.PathOf(command.Tool), .. command.Arguments], (long)command.TotalTimeout.TotalSeconds * CpuSecondsPerSecond, (2 * sourceBytes) + FileSizeSlackBytes, readable, command.Niceness);
        using var process = await _starter.StartAsync(StartInfo(wrapped, command.WorkDir));
        return await new FfmpegProcess(process, command, time).RunAsync(ct);
    }

    /// <summary>Starts ffmpeg between pipes; who disposes the result ends it.</summary>
    internal async Task<FfmpegPipe> StartAsync(FfmpegPipeCommand command, CancellationToken ct)
    {
        var sandbox = await SandboxAsync(ct);
        var wrapped = (command.HasNetwork ? sandbox with { Network = [] } : sandbox)
            .Wrap([programs.PathOf("ffmpeg"), .. command.Arguments], (long)command.AtMost.TotalSeconds * CpuSecondsPerSecond, PipeFileBytes, dropUser: true, niceness: 0);
        return new FfmpegPipe(await _starter.StartAsync(StartInfo(wrapped, command.WorkDir)), command, time);
    }

    /// <summary>A directory that the sandbox's user may write to, below a task's scratch directory.</summary>
    internal static string CreateWorkDir(string scratchDir)
    {
        var path = Path.Combine(Path.GetFullPath(scratchDir), $"work-{Guid.NewGuid():N}");
        Directory.CreateDirectory(path);
        if (Environment.IsPrivilegedProcess && !OperatingSystem.IsWindows())
            File.SetUnixFileMode(path, (UnixFileMode)0b111_111_111);
        return path;
    }

    public void Dispose()
    {
        _starter.Dispose();
        _detecting.Dispose();
    }

    private static ProcessStartInfo StartInfo(IReadOnlyList<string> command, string workDir)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            WorkingDirectory = workDir,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        // Secrets live in the environment: the child gets none of it.
        var path = start.Environment["PATH"];
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["LC_ALL"] = "C.UTF-8";
        start.Environment["SVT_LOG"] = "1"; // that encoder's library writes its own lines: errors only
        return start;
    }

    private async Task<FfmpegSandbox> SandboxAsync(CancellationToken ct)
    {
        if (_sandbox is { } known)
            return known;
        await _detecting.WaitAsync(ct);
        try
        {
            if (_sandbox is null)
            {
                _sandbox = await FfmpegSandbox.DetectAsync(_starter, ct);
                Log.SandboxDetected(logger, _sandbox.Limits, _sandbox.Network.Count > 0, _sandbox.Privileges, _sandbox.Root);
            }
            return _sandbox;
        }
        finally
        {
            _detecting.Release();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "ffmpeg's sandbox: limits {Limits}, without network {Network}, death signal {Privileges}, own user {OwnUser}", EventName = "SandboxDetected")]
        public static partial void SandboxDetected(ILogger logger, bool limits, bool network, bool privileges, bool ownUser);

        [LoggerMessage(2, LogLevel.Warning, "The source is not readable by all users, so ffmpeg runs as root without capabilities", EventName = "SourceNotReadable")]
        public static partial void SourceNotReadable(ILogger logger);
    }
}
