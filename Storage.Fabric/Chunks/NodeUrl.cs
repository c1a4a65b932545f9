using System.Diagnostics.CodeAnalysis;

namespace Storage.Fabric.Chunks;

/// <summary>
/// What is taken for a node's address. It comes from registrations, commits and manifests, which anybody may have written: http and https only,
/// no user, query or fragment, and so nothing that a path could be appended to wrongly.
/// </summary>
public static class NodeUrl
{
    private const int MostCharacters = 2048;

    /// <summary>Of one that is kept.</summary>
    private const int MostKeptCharacters = 512;

    public static bool IsAllowed([NotNullWhen(true)] string? url) => AddressOf(url) is not null;

    /// <summary>The one form in which addresses are kept and compared.</summary>
    public static bool TryNormalize(string text, [NotNullWhen(true)] out string? url)
    {
        url = text.Length <= MostKeptCharacters ? AddressOf(text)?.AbsoluteUri.TrimEnd('/') : null;
        return url is not null;
    }

    /// <summary>Where the node has the chunk. False also for an id that no node would take.</summary>
    internal static bool TryOfChunk(string nodeUrl, string chunkId, [NotNullWhen(true)] out Uri? address)
    {
        address = null;
        return ChunkNames.IsValid(chunkId) && AddressOf(nodeUrl) is { } node && Uri.TryCreate($"{node.AbsoluteUri.TrimEnd('/')}/chunk/{chunkId}", UriKind.Absolute, out address);
    }

    private static Uri? AddressOf(string? url) =>
        url is { Length: > 0 and <= MostCharacters } && Uri.TryCreate(url, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri is { UserInfo: "", Query: "", Fragment: "", Host.Length: > 0 }
            ? uri
            : null;
}
