using System.Net.Http.Headers;

namespace Storage.Fabric.Chunks;

/// <summary>Adds the node credential to what changes a node (PUT, DELETE, POST). Reads carry none: they need none, and go to nodes that a manifest names.</summary>
public sealed class ChunkCredential : DelegatingHandler
{
    private readonly AuthenticationHeaderValue _bearer;

    public ChunkCredential(string credential, HttpMessageHandler inner)
        : base(inner)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(credential);
        _bearer = new("Bearer", credential);
    }

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Method != HttpMethod.Get && request.Method != HttpMethod.Head)
        {
            request.Headers.Authorization = _bearer;
        }

        return base.SendAsync(request, cancellationToken);
    }
}
