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
    private volatile Task? _hold;
    private int _held;

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

    /// <summary>The server's answers, which it has given, wait on their way for <paramref name="release"/>.</summary>
    public void Hold(Task release) => _hold = release;

    /// <summary>Answers that had to wait.</summary>
    public int Held => Volatile.Read(ref _held);

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
                await Task.WhenAny(near.GetStream().CopyToAsync(far.GetStream(), ended.Token), AnswerAsync(far.GetStream(), near.GetStream(), ended.Token));
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

    private async Task AnswerAsync(Stream server, Stream client, CancellationToken ct)
    {
        var buffer = new byte[64 * 1024];
        while (await server.ReadAsync(buffer, ct) is > 0 and var count)
        {
            if (_hold is { IsCompleted: false } hold)
            {
                Interlocked.Increment(ref _held);
                await hold.WaitAsync(ct);
            }

            await client.WriteAsync(buffer.AsMemory(0, count), ct);
        }
    }
}
