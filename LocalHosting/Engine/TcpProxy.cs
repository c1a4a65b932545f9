using System.Net;
using System.Net.Sockets;
using LocalHosting.Model;

namespace LocalHosting.Engine;

/// <summary>
/// The one port in front of a project's replicas. Like Aspire's it balances connections, not requests: each goes to the next running replica,
/// and on to the one after it when that refuses.
/// </summary>
internal sealed class TcpProxy : IAsyncDisposable
{
    private const int MaxConnections = 1024;
    private const int BufferBytes = 64 * 1024;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly SemaphoreSlim _slots = new(MaxConnections, MaxConnections);
    private readonly CancellationTokenSource _end = new();
    private readonly Func<IReadOnlyList<int>> _targets;
    private readonly Task _accepting;
    private uint _next;

    /// <param name="targets">The ports of the replicas that run now.</param>
    public TcpProxy(int port, Func<IReadOnlyList<int>> targets)
    {
        _targets = targets;
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, optionValue: true);
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _end.Dispose();
        _slots.Dispose();
    }

    private async Task AcceptAsync()
    {
        HashSet<Task> open = [];
        try
        {
            while (true)
            {
                await _slots.WaitAsync(_end.Token);
                open.Add(ServeAsync(await _listener.AcceptAsync(_end.Token)));
                open.RemoveWhere(t => t.IsCompleted);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            await Task.WhenAll(open);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        try
        {
            using (client)
            using (var server = await ConnectAsync())
            {
                if (server is null)
                    return;
                client.NoDelay = server.NoDelay = true;
                using var both = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
                var up = CopyAsync(client, server, both);
                var down = CopyAsync(server, client, both);
                await Task.WhenAll(up, down);
            }
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task<Socket?> ConnectAsync()
    {
        var targets = _targets();
        var first = Interlocked.Increment(ref _next);
        for (var i = 0u; i < targets.Count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                await socket.ConnectAsync(LocalAddress.Host, targets[(int)((first + i) % targets.Count)], _end.Token);
                return socket;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket.Dispose();
            }
        }

        return null;
    }

    /// <summary>Copies until the sender has ended, and passes that end on; a broken connection ends both directions.</summary>
    private static async Task CopyAsync(Socket from, Socket to, CancellationTokenSource both)
    {
        var buffer = new byte[BufferBytes];
        try
        {
            while (await from.ReceiveAsync(buffer, both.Token) is > 0 and var count)
            {
                for (var sent = 0; sent < count;)
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), both.Token);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            await both.CancelAsync();
        }
    }
}
