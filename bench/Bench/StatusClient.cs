using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;

namespace Bench;

/// <summary>A client's WebSocket on a video's status stream, through the gateway.</summary>
public sealed class StatusClient : IDisposable
{
    private readonly ClientWebSocket _socket = new();
    private readonly byte[] _buffer = new byte[4096];

    public static async Task<StatusClient> OpenAsync(Uri gateway, Guid video, CancellationToken ct)
    {
        StatusClient client = new();
        await client._socket.ConnectAsync(new UriBuilder(gateway) { Scheme = "ws", Path = $"/video/{video}/status/stream" }.Uri, ct);
        return client;
    }

    /// <summary>The next message's state, and when it was here (Stopwatch's clock).</summary>
    public async Task<(string State, long At)> NextAsync(CancellationToken ct)
    {
        var received = await _socket.ReceiveAsync(_buffer, ct);
        var at = Stopwatch.GetTimestamp();
        if (received.MessageType == WebSocketMessageType.Close)
        {
            throw new InvalidOperationException("The status stream ended.");
        }

        using var message = JsonDocument.Parse(_buffer.AsMemory(0, received.Count));
        return (message.RootElement.GetProperty("state").GetString()!, at);
    }

    /// <summary>When the message READY was here.</summary>
    public static async Task<long> ReadyAsync(Uri gateway, Guid video, CancellationToken ct)
    {
        using var client = await OpenAsync(gateway, video, ct);
        while (true)
        {
            switch (await client.NextAsync(ct))
            {
                case ("READY", var at):
                    return at;
                case ("FAILED", _):
                    throw new InvalidOperationException("The video is FAILED.");
                default:
                    break;
            }
        }
    }

    public void Dispose() => _socket.Dispose();
}
