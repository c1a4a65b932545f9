using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Lifecycle.Store.Live;

/// <summary>A stream's key is a MAC over its id: it is stored nowhere, and can be said again. 43 characters that a URL carries as they are.</summary>
public static class StreamMac
{
    public static string Of(byte[] key, string streamId) => Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(streamId)));

    /// <summary>In a time that does not tell how much of it is right.</summary>
    public static bool Fits(byte[] key, string streamId, string given) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Of(key, streamId)), Encoding.UTF8.GetBytes(given));
}
