using System.Diagnostics;
using System.Text;

namespace Processing.Worker.Media.Ffmpeg;

/// <summary>A running ffmpeg between pipes. Its messages are drained all the time, and their end is kept; disposing kills it and waits for a bounded time.</summary>
internal sealed class FfmpegPipe : IAsyncDisposable
{
    private const int MessageChars = 2 * 1024;
    private const int LineChars = 1024;
    private static readonly TimeSpan KillWait = TimeSpan.FromSeconds(5);

    private readonly Process _process;
    private readonly string? _secret;
    private readonly Func<string, bool> _onLine;
    private readonly TimeProvider _time;
    private readonly StringBuilder _messages = new();
    private readonly Task _draining;

    public FfmpegPipe(Process process, FfmpegPipeCommand command, TimeProvider time)
    {
        (_process, _secret, _onLine, _time) = (process, command.Secret, command.OnLine, time);
        _draining = DrainAsync();
    }

    public Stream Input => _process.StandardInput.BaseStream;

    public Stream Output => _process.StandardOutput.BaseStream;

    /// <summary>Waits until it has ended and all its messages are read.</summary>
    /// <returns>Its exit code, and the end of its messages without secrets.</returns>
    public async Task<(int Code, string Messages)> ExitAsync(CancellationToken ct)
    {
        await _process.WaitForExitAsync(ct);
        await _draining.WaitAsync(ct);
        return (_process.ExitCode, Messages());
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            if (!_process.HasExited)
            {
                _process.Kill(entireProcessTree: true);
            }

            using var bound = new CancellationTokenSource(KillWait, _time);
            await _process.WaitForExitAsync(bound.Token);
            await _draining.WaitAsync(bound.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException or InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It ended by itself, or hangs in the kernel: the parent-death signal deals with that.
        }

        _process.Dispose();
    }

    private async Task DrainAsync()
    {
        var buffer = new char[1024];
        StringBuilder line = new();
        try
        {
            int read;
            while ((read = await _process.StandardError.ReadAsync(buffer, CancellationToken.None)) > 0)
            {
                foreach (var character in buffer.AsSpan(0, read))
                {
                    line.Append(character);
                    if (character == '\n' || line.Length >= LineChars)
                        Take(line);
                }
            }

            Take(line);
        }
        catch (Exception failure) when (failure is IOException or ObjectDisposedException)
        {
            // Disposed while it hung.
        }
    }

    private void Take(StringBuilder line)
    {
        var text = line.ToString();
        line.Clear();
        if (_onLine(text.TrimEnd()))
            return;
        lock (_messages)
        {
            _messages.Append(text);
            if (_messages.Length > 2 * MessageChars)
                _messages.Remove(0, _messages.Length - MessageChars);
        }
    }

    private string Messages()
    {
        string text;
        lock (_messages)
            text = _messages.ToString().Trim();
        return _secret is null ? text : text.Replace(_secret, "the input", StringComparison.Ordinal);
    }
}
