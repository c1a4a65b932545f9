using System.Net.Sockets;
using System.Text;

namespace EndToEnd.Tests;

/// <summary>A request in the test's own hand: it may stop in the middle, or send less than it said.</summary>
internal sealed class RawRequest : IDisposable
{
    private readonly TcpClient _client = new();
    private readonly byte[] _buffer = new byte[16 * 1024];

    public static string Multipart(long length, string more = "") =>
        $"POST /upload HTTP/1.1\r\nHost: platform\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {length}\r\n{more}\r\n";

    /// <summary>The body of such a request, and its length.</summary>
    public static byte[] BodyOf(byte[] file) =>
        [.. "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp4\"\r\nContent-Type: video/mp4\r\n\r\n"u8, .. file, .. "\r\n--b--\r\n"u8];

    public static async Task<RawRequest> SendAsync(Uri server, string head, ReadOnlyMemory<byte> body, CancellationToken ct)
    {
        RawRequest request = new();
        await request._client.ConnectAsync(server.Host, server.Port, ct);
        await request.SendAsync(Encoding.ASCII.GetBytes(head), ct);
        await request.SendAsync(body, ct);
        return request;
    }

    public async Task SendAsync(ReadOnlyMemory<byte> more, CancellationToken ct) => await _client.GetStream().WriteAsync(more, ct);

    /// <summary>The answer's first bytes: status line, headers, and a short body.</summary>
    public async Task<string> AnswerAsync(CancellationToken ct)
    {
        using var within = CancellationTokenSource.CreateLinkedTokenSource(ct);
        within.CancelAfter(TimeSpan.FromSeconds(60));
        var read = 0;
        while (!Encoding.ASCII.GetString(_buffer, 0, read).Contains("\r\n\r\n", StringComparison.Ordinal)
            && await _client.GetStream().ReadAsync(_buffer.AsMemory(read), within.Token) is var more and > 0)
        {
            read += more;
        }

        return Encoding.ASCII.GetString(_buffer, 0, read);
    }

    /// <summary>Resets the connection, as a phone does that loses its network.</summary>
    public void Dispose()
    {
        _client.Client.LingerState = new(enable: true, seconds: 0);
        _client.Dispose();
    }
}
