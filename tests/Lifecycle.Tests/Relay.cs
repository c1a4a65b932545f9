using System.Net;
using System.Net.Sockets;

namespace Lifecycle.Tests;

/// <summary>A port of its own before a server: closing it is the server's outage for those that came through it.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _away = new();
    private readonly Task _accepting;

    public Relay(string host, int port)
    {
        _listener.Start();
        _accepting = AcceptAsync(host, port);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public async Task CutAsync()
    {
        await _away.CancelAsync();
        _listener.Stop();
        await _accepting;
    }

    public async ValueTask DisposeAsync()
    {
        await CutAsync();
        _away.Dispose();
        _listener.Dispose();
    }

    private async Task AcceptAsync(string host, int port)
    {
        List<Task> passing = [];
        try
        {
            while (true)
            {
                passing.Add(PassAsync(await _listener.AcceptTcpClientAsync(_away.Token), host, port));
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(passing);
        }
    }

    private async Task PassAsync(TcpClient client, string host, int port)
    {
        using (client)
        using (TcpClient server = new())
        {
            try
            {
                await server.ConnectAsync(host, port, _away.Token);
                var (one, other) = (client.GetStream(), server.GetStream());
                await await Task.WhenAny(one.CopyToAsync(other, _away.Token), other.CopyToAsync(one, _away.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
            {
                // Cut, or one side has gone.
            }
        }
    }
}
