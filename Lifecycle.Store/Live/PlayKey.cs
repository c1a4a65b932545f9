using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Lifecycle.Store.Live;

/// <summary>
/// What a worker shows the platform's own ingest to play a stream: a MAC over the stream's id, under a secret that only Live.Api and the workers
/// know. It is another one than the stream key's, so that workers cannot publish.
/// </summary>
public static class PlayKey
{
    /// <param name="secret"><see cref="StreamOptions.PlaySecret"/>.</param>
    public static string Of(string secret, string streamId)
    {
        var key = HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: "videoplatform stream-play"u8.ToArray());
        return Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(streamId)));
    }

    /// <summary>Compared in constant time; without a secret nothing is a key.</summary>
    public static bool IsValid(string secret, string streamId, string? given) =>
        secret.Length > 0 && given is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Of(secret, streamId)), Encoding.UTF8.GetBytes(given));
}
