using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Upload.Api.Webhooks;

/// <summary>The signatures of a delivery, over the bytes that are sent.</summary>
public static class WebhookSignature
{
    /// <summary>Seed 004's <c>X-Webhook-Signature</c>: the body alone, under the secret as it is written.</summary>
    public static string Seed(ReadOnlySpan<byte> body, string secret) => $"sha256={Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body))}";

    /// <summary>Standard Webhooks' <c>webhook-signature</c>: id, the attempt's time and the body, so that an old delivery cannot be sent again as a new one.</summary>
    /// <param name="timestamp">Seconds since 1970.</param>
    public static string Standard(Guid id, long timestamp, ReadOnlySpan<byte> body, string secret)
    {
        using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, WebhookSecrets.StandardKey(secret));
        mac.AppendData(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{id}.{timestamp}.")));
        mac.AppendData(body);
        return $"v1,{Convert.ToBase64String(mac.GetHashAndReset())}";
    }
}
