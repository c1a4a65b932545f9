using System.Net;
using System.Net.WebSockets;
using System.Text;

namespace EndToEnd.Tests;

/// <summary>Reads a status stream as a client does: over a WebSocket.</summary>
internal sealed class StatusClient : IAsyncDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private readonly ClientWebSocket _socket = new();
    private readonly CancellationTokenSource _deadline;

    private StatusClient(CancellationToken ct)
    {
        _deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        _deadline.CancelAfter(_within);
    }

    public WebSocketCloseStatus? CloseStatus => _socket.CloseStatus;

    /// <param name="server">Gateway or replica.</param>
    /// <param name="video">The id, as it stands in the address.</param>
    /// <param name="ct">Ends the test.</param>
    public static async Task<StatusClient> ConnectAsync(Uri server, string video, CancellationToken ct)
    {
        StatusClient client = new(ct);
        await client._socket.ConnectAsync(AddressOf(server, video), client._deadline.Token);
        return client;
    }

    /// <summary>The status of a refused upgrade.</summary>
    public static async Task<HttpStatusCode> RefusalAsync(Uri server, string video, CancellationToken ct)
    {
        await using StatusClient client = new(ct);
        client._socket.Options.CollectHttpResponseDetails = true;
        await Xunit.Assert.ThrowsAsync<WebSocketException>(() => client._socket.ConnectAsync(AddressOf(server, video), client._deadline.Token));
        return client._socket.HttpStatusCode;
    }

    /// <summary>The next message; null once the server has closed.</summary>
    public async Task<string?> NextAsync()
    {
        using MemoryStream message = new();
        var buffer = new byte[1024];
        while (true)
        {
            var received = await _socket.ReceiveAsync(buffer, _deadline.Token);
            if (received.MessageType == WebSocketMessageType.Close)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _deadline.Token);
                return null;
            }

            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return Encoding.UTF8.GetString(message.ToArray());
            }
        }
    }

    /// <summary>All messages up to the server's close.</summary>
    public async Task<IReadOnlyList<string>> RestAsync()
    {
        List<string> messages = [];
        while (await NextAsync() is { } message)
        {
            messages.Add(message);
        }

        return messages;
    }

    /// <summary>Closes in order, as a browser that leaves the page does.</summary>
    public Task CloseAsync() => _socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "enough", _deadline.Token);

    public ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _deadline.Dispose();
        return ValueTask.CompletedTask;
    }

    private static Uri AddressOf(Uri server, string video) => new UriBuilder(new Uri(server, $"/video/{video}/status/stream")) { Scheme = "ws" }.Uri;
}
