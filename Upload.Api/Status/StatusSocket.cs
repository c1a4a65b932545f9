using System.Net.WebSockets;
using System.Text.Json;

namespace Upload.Api.Status;

/// <summary>Sends a feed over a WebSocket and closes it in order.</summary>
internal static class StatusSocket
{
    /// <summary>For our close frame to leave, and again for the client's to come.</summary>
    private static readonly TimeSpan _closeWithin = TimeSpan.FromSeconds(3);

    /// <summary>Pings find a client that is gone without a word.</summary>
    public static WebSocketOptions Options { get; } = new() { KeepAliveInterval = TimeSpan.FromSeconds(15), KeepAliveTimeout = TimeSpan.FromSeconds(20) };

    public static async Task RunAsync(WebSocket socket, OpenFeed feed, CancellationToken stopping, CancellationToken ct)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct, stopping);
        using CancellationTokenSource reading = new();
        var closed = WaitForCloseAsync(socket, ended, reading.Token);
        var (status, reason) = (WebSocketCloseStatus.NormalClosure, "");
        try
        {
            await foreach (var change in feed.ReadAsync(ended.Token))
            {
                var message = JsonSerializer.SerializeToUtf8Bytes(StatusRoutes.MessageOf(change), StatusJson.Default.StatusMessage);
                await socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, ended.Token);
            }
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            (status, reason) = (WebSocketCloseStatus.EndpointUnavailable, "The server is restarting; connect again.");
        }
        catch (OperationCanceledException)
        {
            // The client closed, or is gone.
        }
        catch (IOException)
        {
            (status, reason) = (WebSocketCloseStatus.PolicyViolation, "The client does not read.");
        }
        catch (WebSocketException)
        {
            // Gone without a close.
        }

        // A cancelled read aborts the connection, and what the client has not read yet is lost: its own close comes first.
        await CloseAsync(socket, status, reason);
        reading.CancelAfter(_closeWithin);
        await closed;
    }

    /// <summary>Reads until the client closes; what it sends is not for us.</summary>
    private static async Task WaitForCloseAsync(WebSocket socket, CancellationTokenSource ended, CancellationToken reading)
    {
        var buffer = new byte[256];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), reading)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // Gone without a close.
        }

        await ended.CancelAsync();
    }

    private static async Task CloseAsync(WebSocket socket, WebSocketCloseStatus status, string reason)
    {
        using CancellationTokenSource within = new(_closeWithin);
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync(status, reason, within.Token);
            }
        }
        catch (Exception exception) when (exception is WebSocketException or OperationCanceledException)
        {
            // The client was faster.
        }
    }
}
