namespace Smart.Client.Network;

/// <summary>
/// Which addresses are asked. They come from the metadata service, which anybody may have told them: http and https only, no credentials, no query.
/// </summary>
public static class NodeUrl
{
    private const int MostCharacters = 2048;

    public static bool IsAllowed(string? url) =>
        url is { Length: > 0 and <= MostCharacters }
        && Uri.TryCreate(url, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
        && uri.UserInfo.Length == 0
        && uri.Query.Length == 0
        && uri.Fragment.Length == 0;
}
