using System.Diagnostics;
using System.Text;

namespace Processing.Worker.Media.Ffmpeg;

/// <summary>
/// The whole truth about one process: both pipes are drained at once (a full pipe would stop it), the end of its messages is kept,
/// it is killed when it stalls, takes too long or is cancelled, and the wait after a kill is bounded.
/// </summary>
internal sealed class FfmpegProcess(Process process, FfmpegCommand command, TimeProvider time)
{
    private const int StderrTailChars = 8 * 1024;
    private static readonly TimeSpan KillWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan WatchPeriod = TimeSpan.FromSeconds(1);

    private readonly StringBuilder _stderr = new();
    private long _lastActivity = time.GetTimestamp();

    /// <returns>The end of what it wrote to standard error.</returns>
    /// <exception cref="MediaFailureException">It failed, stalled or took too long.</exception>
    /// <exception cref="OperationCanceledException">The caller gave up; the process is dead.</exception>
    public async Task<string> RunAsync(CancellationToken ct)
    {
        using var done = new CancellationTokenSource();
        var output = DrainOutputAsync();
        var messages = DrainMessagesAsync();
        var watch = WatchAsync(done.Token, ct);
        try
        {
            var ended = Task.WhenAll(output, messages, process.WaitForExitAsync(CancellationToken.None));
            await Task.WhenAny(ended, watch);
            if (!ended.IsCompleted)
            {
                ct.ThrowIfCancellationRequested();
                throw new MediaFailureException(new MediaFailure(MediaFailureCategory.Timeout, await watch, Tail()));
            }
            await ended;
            return process.ExitCode == 0 ? Tail() : throw new MediaFailureException(FfmpegFailures.Classify(process.ExitCode, Tail()));
        }
        finally
        {
            await done.CancelAsync();
            await KillAsync();
        }
    }

    private async Task DrainOutputAsync()
    {
        try
        {
            while (await process.StandardOutput.ReadLineAsync(CancellationToken.None) is { } line)
            {
                if (command.OnLine(line))
                    Volatile.Write(ref _lastActivity, time.GetTimestamp());
            }
        }
        catch
        {
            // The reader of the lines gave up: nothing drains the pipe any more, so the process must end.
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    private async Task DrainMessagesAsync()
    {
        var buffer = new char[1024];
        int read;
        while ((read = await process.StandardError.ReadAsync(buffer, CancellationToken.None)) > 0)
        {
            lock (_stderr)
            {
                _stderr.Append(buffer, 0, read);
                if (_stderr.Length > 2 * StderrTailChars)
                    _stderr.Remove(0, _stderr.Length - StderrTailChars);
            }
        }
    }

    /// <returns>Why the process must end. Ends without a reason when <paramref name="ct"/> does.</returns>
    private async Task<string> WatchAsync(CancellationToken done, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        using var either = CancellationTokenSource.CreateLinkedTokenSource(done, ct);
        using var timer = new PeriodicTimer(WatchPeriod, time);
        try
        {
            while (await timer.WaitForNextTickAsync(either.Token))
            {
                if (time.GetElapsedTime(Volatile.Read(ref _lastActivity)) > command.StallTimeout)
                    return $"The media process made no progress for {command.StallTimeout.TotalSeconds:0} s.";
                if (time.GetElapsedTime(started) > command.TotalTimeout)
                    return $"The media process was not done after {command.TotalTimeout.TotalSeconds:0} s.";
            }
        }
        catch (OperationCanceledException)
        {
            // Done or cancelled: the caller knows which.
        }
        return "";
    }

    private async Task KillAsync()
    {
        if (process.HasExited)
            return;
        try
        {
            process.Kill(entireProcessTree: true);
            using var bound = new CancellationTokenSource(KillWait, time);
            await process.WaitForExitAsync(bound.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It ended by itself, or hangs in the kernel: the parent-death signal and the leases deal with that.
        }
    }

    /// <summary>Paths of this machine mean nothing to the reader of a failure.</summary>
    private string Tail()
    {
        string text;
        lock (_stderr)
            text = _stderr.ToString();
        if (text.Length > StderrTailChars)
            text = text[^StderrTailChars..];
        if (command.SourcePath is { } source)
            text = text.Replace(source, "source", StringComparison.Ordinal);
        return text.Replace(command.WorkDir, ".", StringComparison.Ordinal).Trim();
    }
}
