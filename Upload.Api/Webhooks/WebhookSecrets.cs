using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Upload.Api.Accounts;

namespace Upload.Api.Webhooks;

/// <summary>
/// Webhooks' secrets at rest: AES-256-GCM under a key derived from <c>Accounts:Secret</c>, bound to the webhook's id. Nonce,
/// tag and text stand one behind the other.
/// </summary>
public sealed class WebhookSecrets(IOptions<AccountOptions> options)
{
    /// <summary>What Standard Webhooks' libraries know a secret by; the key is the base64 behind it.</summary>
    public const string Prefix = "whsec_";

    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private readonly byte[] _key = Credentials.Derive(options.Value.Secret, "webhook-secret");

    public static string New() => Prefix + Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    /// <summary>The key of Standard Webhooks' signature: what the base64 behind the prefix says, or else the secret itself.</summary>
    public static byte[] StandardKey(string secret) =>
        secret.StartsWith(Prefix, StringComparison.Ordinal) && secret.Length > Prefix.Length && Base64.IsValid(secret.AsSpan(Prefix.Length))
            ? Convert.FromBase64String(secret[Prefix.Length..])
            : Encoding.UTF8.GetBytes(secret);

    public byte[] Encrypt(Guid webhookId, string secret)
    {
        var text = Encoding.UTF8.GetBytes(secret);
        var stored = new byte[NonceBytes + TagBytes + text.Length];
        RandomNumberGenerator.Fill(stored.AsSpan(0, NonceBytes));
        using AesGcm aes = new(_key, TagBytes);
        aes.Encrypt(stored.AsSpan(0, NonceBytes), text, stored.AsSpan(NonceBytes + TagBytes), stored.AsSpan(NonceBytes, TagBytes), webhookId.ToByteArray());
        return stored;
    }

    /// <returns>Null when it was encrypted under another <c>Accounts:Secret</c>.</returns>
    public string? Decrypt(Guid webhookId, ReadOnlySpan<byte> stored)
    {
        var text = new byte[stored.Length - NonceBytes - TagBytes];
        using AesGcm aes = new(_key, TagBytes);
        try
        {
            aes.Decrypt(stored[..NonceBytes], stored[(NonceBytes + TagBytes)..], stored.Slice(NonceBytes, TagBytes), text, webhookId.ToByteArray());
            return Encoding.UTF8.GetString(text);
        }
        catch (AuthenticationTagMismatchException)
        {
            return null;
        }
    }
}
