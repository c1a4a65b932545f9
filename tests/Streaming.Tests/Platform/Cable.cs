using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Streaming.Tests.Platform;

/// <summary>A TCP connection to a real server that a test can cut: the server is away for this replica alone, the classes beside it keep theirs.</summary>
public sealed class Cable : IAsyncDisposable
{
    private readonly string _host;
    private readonly int _port;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<TcpClient, bool> _open = new();
    private readonly Task _accepting;
    private volatile bool _cut;

    public Cable(string host, int port)
    {
        (_host, _port) = (host, port);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Cut()
    {
        _cut = true;
        foreach (var client in _open.Keys)
        {
            client.Close();
        }
    }

    public void Mend() => _cut = false;

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        Cut();
        _listener.Stop();
        await _accepting;
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> carrying = [];
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                carrying.Add(CarryAsync(await _listener.AcceptTcpClientAsync(_stopping.Token)));
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException)
            {
                break;
            }
        }

        await Task.WhenAll(carrying);
    }

    private async Task CarryAsync(TcpClient near)
    {
        using TcpClient far = new();
        using (near)
        {
            try
            {
                _open[near] = _open[far] = true;
                if (_cut)
                {
                    return;
                }

                await far.ConnectAsync(_host, _port, _stopping.Token);
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
                await Task.WhenAny(near.GetStream().CopyToAsync(far.GetStream(), ended.Token), far.GetStream().CopyToAsync(near.GetStream(), ended.Token));
                await ended.CancelAsync();
            }
            catch (Exception exception) when (exception is OperationCanceledException or SocketException or IOException or ObjectDisposedException or InvalidOperationException)
            {
                // Cut.
            }
            finally
            {
                _open.TryRemove(near, out _);
                _open.TryRemove(far, out _);
            }
        }
    }
}
