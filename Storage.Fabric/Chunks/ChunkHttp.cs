namespace Storage.Fabric.Chunks;

/// <summary>The connections to nodes: which are not trusted with more than a chunk, and never with a redirect.</summary>
public static class ChunkHttp
{
    /// <param name="credential">What nodes ask of writers; null: nothing.</param>
    public static HttpClient Create(string? credential = null)
    {
        SocketsHttpHandler sockets = new()
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(2),
            MaxConnectionsPerServer = 64,
            MaxResponseDrainSize = 0, // what a node sends beyond a chunk is not read, not even to keep its connection
            MaxResponseHeadersLength = 16, // KiB
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(60),
            PooledConnectionLifetime = TimeSpan.FromMinutes(10), // then the name is looked up again
        };
        return new(credential is null ? sockets : new ChunkCredential(credential, sockets))
        {
            Timeout = Timeout.InfiniteTimeSpan, // reader and writer bound each attempt themselves
        };
    }
}
