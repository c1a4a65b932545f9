using System.Net;

namespace Smart.Client.Network;

/// <summary>The connections to nodes. A node's redirect is not followed: it could lead anywhere.</summary>
public sealed class NodeConnections : IDisposable
{
    public NodeConnections() => Http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
        ConnectTimeout = TimeSpan.FromSeconds(2),
        PooledConnectionLifetime = TimeSpan.FromMinutes(5), // names are resolved again now and then
        MaxConnectionsPerServer = 16,
        MaxResponseHeadersLength = 16, // KB
    })
    {
        Timeout = Timeout.InfiniteTimeSpan, // each request has a bound of its own
    };

    public HttpClient Http { get; }

    public void Dispose() => Http.Dispose();
}
