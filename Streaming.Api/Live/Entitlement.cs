using System.Security.Cryptography;
using System.Text;

namespace Streaming.Api.Live;

/// <summary>What a viewer of a stream that is not public must show, in every address. It is a secret: it stands in no log and no answer but to those who have shown it.</summary>
internal static class Entitlement
{
    private const string Parameter = "entitlement";

    /// <param name="entitlement">Null: the stream is public.</param>
    public static bool IsShown(HttpRequest request, string? entitlement) =>
        entitlement is null || (request.Query[Parameter] is [{ } shown] && CryptographicOperations.FixedTimeEquals(Hash(shown), Hash(entitlement)));

    /// <summary>What the addresses in a playlist end with, so that a player need not know.</summary>
    public static string Query(string? entitlement) => entitlement is null ? "" : $"?{Parameter}={Uri.EscapeDataString(entitlement)}";

    /// <summary>Of one length, whatever the text's is.</summary>
    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));
}
