using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Testing;

namespace Storage.Tests.Nodes.Processes;

/// <summary>The node as it is shipped, in a process that can be killed.</summary>
public sealed class NodeProcess : IDisposable
{
    private readonly Process _process;

    private NodeProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
    }

    public Uri Address { get; }

    public static async Task<NodeProcess> StartAsync(string folder, int port, HttpClient client)
    {
        Uri address = new($"http://127.0.0.1:{port}");
        ProcessStartInfo start = new("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (var argument in (string[])["exec", Path.Combine(AppContext.BaseDirectory, "Storage.Node.dll"), "--environment", "Development", "--Node:SuperblockBytes=1048576", "--Node:UpkeepSeconds=0.2"])
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["PORT"] = port.ToString();
        start.Environment["DATA_DIR"] = folder;
        start.Environment["NODE_ID"] = "node-1";
        start.Environment.Remove("ASPNETCORE_URLS");
        NodeProcess node = new(Process.Start(start)!, address);
        System.Text.StringBuilder said = new();
        node._process.OutputDataReceived += (_, line) => said.AppendLine(line.Data);
        node._process.ErrorDataReceived += (_, line) => said.AppendLine(line.Data);
        node._process.BeginOutputReadLine();
        node._process.BeginErrorReadLine();
        await Poll.UntilAsync(() => node.AnswersAsync(client, said), TimeSpan.FromSeconds(60), "the node to answer");
        return node;
    }

    public static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>kill -9: nothing is closed, nothing flushed.</summary>
    public async Task KillAsync()
    {
        await Signals.SendAsync("KILL", _process.Id);
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            _process.WaitForExit();
        }

        _process.Dispose();
    }

    private async Task<bool> AnswersAsync(HttpClient client, System.Text.StringBuilder said)
    {
        if (_process.HasExited)
        {
            await _process.WaitForExitAsync(); // and for the last of what it said
            throw new InvalidOperationException($"The node has ended: {said}");
        }

        try
        {
            using var answer = await client.GetAsync(new Uri(Address, "/ready"));
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
