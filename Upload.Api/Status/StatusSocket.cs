using System.Net.WebSockets;
using System.Text.Json;

namespace Upload.Api.Status;

/// <summary>Sends a feed over a WebSocket and closes it in order.</summary>
internal static class StatusSocket
{
    private static readonly TimeSpan _closeWithin = TimeSpan.FromSeconds(2);

    /// <summary>Pings find a client that is gone without a word.</summary>
    public static WebSocketOptions Options { get; } = new() { KeepAliveInterval = TimeSpan.FromSeconds(15), KeepAliveTimeout = TimeSpan.FromSeconds(20) };

    public static async Task RunAsync(WebSocket socket, OpenFeed feed, CancellationToken stopping, CancellationToken ct)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct, stopping);
        var closed = WaitForCloseAsync(socket, ended);
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
            return; // gone without a close
        }

        await CloseAsync(socket, status, reason);
        await ended.CancelAsync();
        await closed;
    }

    /// <summary>Reads until the client closes; what it sends is not for us.</summary>
    private static async Task WaitForCloseAsync(WebSocket socket, CancellationTokenSource ended)
    {
        var buffer = new byte[256];
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), ended.Token)).MessageType != WebSocketMessageType.Close)
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
