using Storage.Fabric.Chunks;

namespace Smart.Client.Network;

/// <summary>The connections to nodes, for pings and chunks alike: a ping then says what a chunk will meet.</summary>
public sealed class NodeConnections : IDisposable
{
    public HttpClient Http { get; } = ChunkHttp.Create();

    public void Dispose() => Http.Dispose();
}
