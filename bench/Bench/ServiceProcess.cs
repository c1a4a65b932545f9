using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Bench;

/// <summary>One service of the product in a process of its own, without the platform around it: its start is measured, and it ends when it is told to.</summary>
public sealed class ServiceProcess : IAsyncDisposable
{
    private static readonly TimeSpan _endWithin = TimeSpan.FromSeconds(30);

    /// <summary>Between two looks whether it answers: what a measured start may be too long by.</summary>
    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(2);

    private readonly Process _process;

    private ServiceProcess(Process process, Uri address) => (_process, Address) = (process, address);

    public Uri Address { get; }

    /// <summary>From exec to the first 200 of <c>/health</c>.</summary>
    public TimeSpan Started { get; private set; }

    /// <summary>As it is built, beside the benchmarks.</summary>
    public static string Program(string project) => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, $"../../{project}/{Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/'))}/{project}.dll"));

    public static async Task<ServiceProcess> StartAsync(HttpClient http, string project, IReadOnlyDictionary<string, string> environment, CancellationToken ct)
    {
        Uri address = new($"http://127.0.0.1:{FreePort()}");
        ProcessStartInfo start = new("dotnet", [Program(project), "--urls", address.AbsoluteUri, "--Logging:LogLevel:Default=Warning"]) { UseShellExecute = false };
        start.Environment["ASPNETCORE_ENVIRONMENT"] = "Development";
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        var began = Stopwatch.GetTimestamp();
        ServiceProcess service = new(Process.Start(start)!, address);
        try
        {
            while (!await service.IsHealthyAsync(http, ct))
            {
                await Task.Delay(_lookEvery, TimeProvider.System, ct);
            }

            service.Started = Stopwatch.GetElapsedTime(began);
            return service;
        }
        catch
        {
            await service.KillAsync();
            throw;
        }
    }

    /// <summary>SIGTERM, and its end.</summary>
    public async Task StopAsync(CancellationToken ct)
    {
        using var terminate = Process.Start("bash", ["-c", $"kill -TERM {_process.Id}"]);
        await _process.WaitForExitAsync(ct).WaitAsync(_endWithin, TimeProvider.System, ct);
    }

    /// <summary>SIGKILL: nothing is closed, nothing flushed.</summary>
    public async Task KillAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await KillAsync();
        _process.Dispose();
    }

    private async Task<bool> IsHealthyAsync(HttpClient http, CancellationToken ct)
    {
        if (_process.HasExited)
        {
            throw new InvalidOperationException($"{_process.StartInfo.ArgumentList[0]} ended with {_process.ExitCode}.");
        }

        try
        {
            using var answer = await http.GetAsync(new Uri(Address, "/health"), ct);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false; // it does not listen yet
        }
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
