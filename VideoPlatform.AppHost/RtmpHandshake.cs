using System.Net.Sockets;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace VideoPlatform.AppHost;

/// <summary>An RTMP server answers a client's version and random bytes with its own, and with the client's (Adobe's specification, 5.2). A proxy before none does not.</summary>
internal sealed class RtmpHandshake(EndpointReference server) : IHealthCheck
{
    private const byte Version = 3;
    private const int RandomBytes = 1536;

    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync(server.Host, server.Port, cancellationToken);
            byte[] hello = [Version, .. new byte[RandomBytes]];
            await client.GetStream().WriteAsync(hello, cancellationToken);
            // All of it: closing a connection with bytes unread is an error to the server.
            var answer = new byte[1 + (2 * RandomBytes)];
            await client.GetStream().ReadExactlyAsync(answer, cancellationToken);
            return answer[0] == Version ? HealthCheckResult.Healthy() : HealthCheckResult.Unhealthy("The port does not answer as an RTMP server.");
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return HealthCheckResult.Unhealthy(exception.Message);
        }
    }
}
