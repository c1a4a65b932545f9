using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>Live.Api as it is shipped, in a process of its own that a fault point can kill.</summary>
internal sealed class LiveProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _said = new();

    private LiveProcess(Process process, Uri address)
    {
        (_process, Http) = (process, new() { BaseAddress = address, Timeout = TimeSpan.FromSeconds(60) });
        process.OutputDataReceived += (_, line) => Hear(line.Data);
        process.ErrorDataReceived += (_, line) => Hear(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public HttpClient Http { get; }

    /// <summary>Everything that it has logged, at the level Trace.</summary>
    public string Said
    {
        get
        {
            lock (_said)
            {
                return _said.ToString();
            }
        }
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <param name="faults">The folder where points are armed.</param>
    public static LiveProcess Start(TestStore store, string faults)
    {
        var port = FreePort();
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, "Live.Api.dll"));
        foreach (var argument in LiveHost.Arguments(store, ("urls", $"http://127.0.0.1:{port}"), ("FaultPoints:Directory", faults), ("Logging:LogLevel:Default", "Trace")))
        {
            start.ArgumentList.Add(argument);
        }

        return new(Process.Start(start)!, new($"http://127.0.0.1:{port}"));
    }

    public Task AnswersAsync() => Poll.UntilAsync(
        async () =>
        {
            Assert.False(_process.HasExited, $"Live.Api has ended: {Said}");
            try
            {
                using var answer = await Http.GetAsync("/alive", Ct);
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, StreamRows.Within, "Live.Api to answer");

    /// <summary>Sends a request that the process does not survive, or whose answer does not matter.</summary>
    public async Task TryAsync(HttpMethod method, string body)
    {
        try
        {
            using HttpRequestMessage request = new(method, "/streams") { Content = new StringContent(body) };
            using var answer = await Http.SendAsync(request, Ct);
        }
        catch (HttpRequestException)
        {
            // Killed in the middle.
        }
    }

    public async Task IsKilledAsync()
    {
        await Poll.UntilAsync(() => Task.FromResult(_process.HasExited), StreamRows.Within, "the fault point to kill Live.Api");
        Assert.Equal(128 + 9, _process.ExitCode);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    private void Hear(string? line)
    {
        lock (_said)
        {
            _said.AppendLine(line);
        }
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
