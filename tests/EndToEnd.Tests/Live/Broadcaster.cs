using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Testing;

namespace EndToEnd.Tests.Live;

/// <summary>A real ffmpeg that sends the test's own pictures, in real time, each with the time at which it was made.</summary>
internal sealed class Broadcaster : IAsyncDisposable
{
    private static readonly TimeSpan _endsWithin = TimeSpan.FromSeconds(20);

    private readonly Process _ffmpeg;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _sending;
    private readonly Task<string> _messages;
    private readonly ConcurrentQueue<long> _sent = new();

    private Broadcaster(IEnumerable<string> output)
    {
        // lavfi's sound waits for the pictures; a key frame each second, as encoders for live are set up.
        string[] arguments =
        [
            "-nostats", "-v", "error", "-probesize", "32", "-analyzeduration", "0", "-f", "rawvideo", "-pix_fmt", "gray", "-s", $"{SenderClock.Width}x{SenderClock.Height}",
            "-r", SenderClock.FramesPerSecond.ToString(CultureInfo.InvariantCulture), "-i", "pipe:0", "-f", "lavfi", "-i", "sine=f=440:r=48000",
            .. "-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -b:v 1500k -maxrate 1500k -bufsize 1500k -g 25 -c:a aac -b:a 96k -shortest".Split(' '), .. output,
        ];
        _ffmpeg = Process.Start(new ProcessStartInfo("ffmpeg", arguments) { RedirectStandardInput = true, RedirectStandardError = true, UseShellExecute = false })!;
        _messages = _ffmpeg.StandardError.ReadToEndAsync();
        _sending = Task.Run(() => SendAsync(_end.Token));
    }

    /// <summary>The time in each picture, in their order: no two have the same.</summary>
    public IReadOnlyList<long> Sent => [.. _sent];

    public double Seconds => (double)_sent.Count / SenderClock.FramesPerSecond;

    public static Broadcaster Push(string url) => new(["-f", "flv", url]);

    /// <summary>Waits at a port for whoever pulls.</summary>
    public static Broadcaster ListenSrt(int port) => new(["-f", "mpegts", $"srt://127.0.0.1:{port}?mode=listener"]);

    /// <summary>Sends until this much of the broadcast is out.</summary>
    public Task SentAsync(double seconds) => Poll.UntilAsync(
        () => Task.FromResult((Seconds, Ended: _sending.IsCompleted)), now => now.Seconds >= seconds || now.Ended, TimeSpan.FromSeconds(seconds + 60), $"{seconds} s of a broadcast");

    /// <summary>Ends the broadcast as a broadcaster does.</summary>
    /// <returns>ffmpeg's exit code and what it said.</returns>
    public async Task<(int ExitCode, string Messages)> FinishAsync()
    {
        await _end.CancelAsync();
        await _sending;
        await _ffmpeg.WaitForExitAsync().WaitAsync(_endsWithin);
        return (_ffmpeg.ExitCode, await _messages);
    }

    /// <summary>Waits until the other side has ended it.</summary>
    public async Task<(int ExitCode, string Messages)> EndedAsync()
    {
        await _ffmpeg.WaitForExitAsync().WaitAsync(_endsWithin);
        return (_ffmpeg.ExitCode, await _messages);
    }

    /// <summary>As a cable that is pulled, or a laptop that dies.</summary>
    public async Task KillAsync()
    {
        _ffmpeg.Kill();
        await _end.CancelAsync();
        await _sending;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_ffmpeg.HasExited)
        {
            _ffmpeg.Kill();
        }

        await _end.CancelAsync();
        await _sending;
        _ffmpeg.Dispose();
        _end.Dispose();
    }

    private async Task SendAsync(CancellationToken ct)
    {
        var picture = new byte[SenderClock.Width * SenderClock.Height];
        var begun = Stopwatch.GetTimestamp();
        var due = 0L;
        using PeriodicTimer timer = new(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        try
        {
            for (var (number, last) = (0L, 0L); !ct.IsCancellationRequested;)
            {
                var elapsed = (long)(Stopwatch.GetElapsedTime(begun).TotalSeconds * SenderClock.FramesPerSecond);
                if (elapsed - due > SenderClock.FramesPerSecond)
                {
                    due = elapsed; // who receives has not been there: what was missed is not sent afterwards
                }

                for (; due <= elapsed; due++, number++)
                {
                    last = Math.Max(SenderClock.Now(), last + 1);
                    SenderClock.Draw(picture, last, number);
                    await _ffmpeg.StandardInput.BaseStream.WriteAsync(picture, CancellationToken.None);
                    _sent.Enqueue(last);
                }

                await timer.WaitForNextTickAsync(CancellationToken.None);
            }

            _ffmpeg.StandardInput.Close();
        }
        catch (IOException)
        {
            // ffmpeg has ended.
        }
    }
}
