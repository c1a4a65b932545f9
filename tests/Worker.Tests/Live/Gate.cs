using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace Worker.Tests.Live;

/// <summary>The way to a server. While it is closed all that was open is reset, and all that is new; with a certificate it is the server's TLS.</summary>
internal sealed class Gate : IAsyncDisposable
{
    private readonly int _target;
    private readonly X509Certificate2? _certificate;
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<TcpClient, bool> _open = new();
    private readonly CancellationTokenSource _disposed = new();
    private readonly Task _accepting;
    private volatile bool _isClosed;

    private Gate(int target, X509Certificate2? certificate)
    {
        (_target, _certificate) = (target, certificate);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <param name="target">The server's port on loopback.</param>
    public static Gate Before(int target, X509Certificate2? certificate = null) => new(target, certificate);

    /// <summary>The server is away for so long: the time itself is what is tested.</summary>
    public async Task CloseForAsync(TimeSpan time)
    {
        _isClosed = true;
        foreach (var client in _open.Keys)
        {
            Reset(client);
        }

        await Task.Delay(time, TimeProvider.System);
        _isClosed = false;
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        await _accepting;
        foreach (var client in _open.Keys)
        {
            Reset(client);
        }

        _listener.Dispose();
        _disposed.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> running = [];
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_disposed.Token);
                running.RemoveAll(run => run.IsCompleted);
                running.Add(ServeAsync(client));
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient server = new();
        try
        {
            _open[client] = true;
            if (_isClosed)
            {
                return;
            }

            await server.ConnectAsync(IPAddress.Loopback, _target, _disposed.Token);
            Stream outer = client.GetStream();
            if (_certificate is not null)
            {
                SslStream tls = new(outer);
                await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = _certificate }, _disposed.Token);
                outer = tls;
            }

            await Task.WhenAny(outer.CopyToAsync(server.GetStream(), _disposed.Token), server.GetStream().CopyToAsync(outer, _disposed.Token));
        }
        catch (Exception exception) when (exception is IOException or SocketException or OperationCanceledException or ObjectDisposedException or System.Security.Authentication.AuthenticationException or InvalidOperationException)
        {
            // One side went, or was reset.
        }
        finally
        {
            _open.TryRemove(client, out _);
            Reset(client);
        }
    }

    private static void Reset(TcpClient client)
    {
        try
        {
            client.LingerState = new(enable: true, seconds: 0);
        }
        catch (Exception exception) when (exception is ObjectDisposedException or SocketException)
        {
            // It is gone already.
        }

        client.Dispose();
    }
}
