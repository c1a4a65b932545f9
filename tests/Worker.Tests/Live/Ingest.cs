using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Testing;

namespace Worker.Tests.Live;

/// <summary>An RTMP server of the test's own, that has players wait as the platform's does, and broadcasters that push to it.</summary>
internal sealed class Ingest : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("live-ingest-").FullName;
    private readonly Process _nginx;
    private readonly List<Process> _broadcasters = [];

    private Ingest(int port)
    {
        Port = port;
        File.WriteAllText(Path.Combine(_folder, "nginx.conf"),
            $$"""
            load_module /usr/lib/nginx/modules/ngx_rtmp_module.so;
            worker_processes 1;
            daemon off;
            pid {{_folder}}/nginx.pid;
            error_log {{_folder}}/error.log;
            events { worker_connections 64; }
            rtmp { access_log off; server { listen 127.0.0.1:{{port}}; application live { live on; wait_key on; wait_video on; idle_streams on; publish_notify on; drop_idle_publisher 10s; } } }
            """);
        _nginx = Start("nginx", ["-p", _folder, "-c", Path.Combine(_folder, "nginx.conf"), "-e", Path.Combine(_folder, "error.log")]);
    }

    public int Port { get; }

    public static async Task<Ingest> StartAsync()
    {
        Ingest ingest = new(FreePort());
        await Poll.UntilAsync(async () =>
        {
            using TcpClient client = new();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, ingest.Port);
                return true;
            }
            catch (SocketException)
            {
                return false;
            }
        }, TimeSpan.FromSeconds(20), "the RTMP server");
        return ingest;
    }

    public string UrlOf(string name) => $"rtmp://127.0.0.1:{Port}/live/{name}";

    /// <summary>A broadcast that begins before a worker is connected begins, for the worker, with its next key frame.</summary>
    public Task UntilPlayedAsync(TimeSpan within) => Poll.UntilAsync(() => Task.FromResult(HasPlayer()), within, "a worker at the ingest");

    private bool HasPlayer() => File.ReadLines("/proc/net/tcp").Any(line => line.Contains(string.Create(CultureInfo.InvariantCulture, $" 0100007F:{Port:X4} 0100007F:"), StringComparison.Ordinal)
        && line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[3] == "01");

    /// <summary>Pushes a file in real time; the process ends with the file.</summary>
    public Process Push(string name, string source)
    {
        var process = Start("ffmpeg", ["-hide_banner", "-nostdin", "-v", "error", "-re", "-i", source, "-c", "copy", "-f", "flv", UrlOf(name)]);
        _broadcasters.Add(process);
        return process;
    }

    /// <summary>Waits for a caller, then sends it a file in real time.</summary>
    /// <returns>The port.</returns>
    public int ListenSrt(string source)
    {
        var port = FreePort();
        _broadcasters.Add(Start("ffmpeg", ["-hide_banner", "-nostdin", "-v", "error", "-re", "-i", source, "-c", "copy", "-f", "mpegts", $"srt://127.0.0.1:{port}?mode=listener"]));
        return port;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in (Process[])[.. _broadcasters, _nginx])
        {
            if (!process.HasExited)
            {
                process.Kill(entireProcessTree: true);
            }

            await process.WaitForExitAsync();
            process.Dispose();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static Process Start(string program, IEnumerable<string> arguments) => Process.Start(new ProcessStartInfo(program, arguments) { UseShellExecute = false })!;

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
