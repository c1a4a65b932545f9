using System.Diagnostics.CodeAnalysis;

namespace Storage.Fabric.Chunks;

internal static class NodeAddress
{
    /// <summary>False for a URL that is none, another scheme, or an id that no node would take: they come from answers of others.</summary>
    public static bool TryOf(string nodeUrl, string chunkId, [NotNullWhen(true)] out Uri? address)
    {
        address = null;
        return ChunkNames.IsValid(chunkId) && Uri.TryCreate($"{nodeUrl.TrimEnd('/')}/chunk/{chunkId}", UriKind.Absolute, out address)
            && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps);
    }
}
