using System.Diagnostics.CodeAnalysis;

namespace Storage.Metadata.Nodes;

/// <summary>A node's address in the one form in which addresses are compared.</summary>
internal static class NodeUrl
{
    private const int MostCharacters = 512;

    /// <summary>Takes http and https only; no user, query or fragment, and nothing that a path could be appended to wrongly.</summary>
    public static bool TryNormalize(string text, [NotNullWhen(true)] out string? url)
    {
        url = text.Length <= MostCharacters && Uri.TryCreate(text, UriKind.Absolute, out var uri)
            && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri is { UserInfo: "", Query: "", Fragment: "", Host.Length: > 0 }
            ? uri.AbsoluteUri.TrimEnd('/')
            : null;
        return url is not null;
    }
}
