using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lifecycle.Store.Accounts;
using Microsoft.Extensions.Options;

namespace VideoPlatform.Accounts;

/// <summary>What a login's token says (RFC 7519); times are seconds since 1970.</summary>
public sealed record TokenClaims(string Sub, string Role, long Iat, long Exp);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(TokenClaims))]
internal sealed partial class TokenJson : JsonSerializerContext;

/// <summary>
/// The account's credentials, all derived from one secret: tokens are JWS compact, HS256 and nothing else (RFC 7515, RFC 8725
/// section 3.1); the default API key is a MAC over account and version, so that it can be shown again and revoked.
/// </summary>
public sealed class Credentials
{
    private const string KeyPrefix = "vpk";

    /// <summary>{"alg":"HS256","typ":"JWT"}: compared as it stands, so that no header chooses its own algorithm.</summary>
    private const string Header = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

    private readonly byte[] _tokenKey;
    private readonly byte[] _apiKeyKey;
    private readonly TimeSpan _tokenLife;
    private readonly TimeProvider _time;

    public Credentials(IOptions<AccountOptions> options, TimeProvider time)
    {
        (_tokenKey, _apiKeyKey) = (Derive(options.Value.Secret, "token"), Derive(options.Value.Secret, "api-key"));
        (_tokenLife, _time) = (TimeSpan.FromMinutes(options.Value.TokenMinutes), time);
    }

    public string TokenFor(User user)
    {
        var now = _time.GetUtcNow();
        TokenClaims claims = new(user.Id.ToString(), user.Role.ToString(), now.ToUnixTimeSeconds(), (now + _tokenLife).ToUnixTimeSeconds());
        var signed = $"{Header}.{Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(claims, TokenJson.Default.TokenClaims))}";
        return $"{signed}.{Sign(_tokenKey, signed)}";
    }

    /// <returns>Null unless the token is ours and holds now.</returns>
    public TokenClaims? Read(string token)
    {
        if (token.Split('.') is not [Header, var payload, var signature] || !Same(Sign(_tokenKey, $"{Header}.{payload}"), signature))
        {
            return null;
        }

        // Ours by its signature, so it can be read.
        var claims = JsonSerializer.Deserialize(Base64Url.DecodeFromChars(payload), TokenJson.Default.TokenClaims)!;
        return claims.Exp > _time.GetUtcNow().ToUnixTimeSeconds() ? claims : null;
    }

    /// <summary>The account's default key, the same every time until its version is raised.</summary>
    public string DefaultApiKeyOf(User user)
    {
        var named = string.Create(CultureInfo.InvariantCulture, $"{KeyPrefix}.{user.Id:N}.{user.ApiKeyVersion}");
        return $"{named}.{Sign(_apiKeyKey, named)}";
    }

    /// <summary>The account that a default key names, once its MAC is right; the caller compares the version with the account's.</summary>
    public (Guid UserId, int Version)? ReadDefaultApiKey(string key) =>
        key.Split('.') is [KeyPrefix, var id, var version, var mac] && Same(Sign(_apiKeyKey, $"{KeyPrefix}.{id}.{version}"), mac)
        && Guid.TryParseExact(id, "N", out var userId) && int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (userId, number)
            : null;

    /// <summary>A further key: 256 random bits. Shown once; only its hash is kept.</summary>
    public static (string Key, byte[] Hash, string Shown) NewApiKey()
    {
        var key = $"vps_{Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32))}";
        return (key, HashOf(key), key[..8]);
    }

    public static byte[] HashOf(string apiKey) => SHA256.HashData(Encoding.UTF8.GetBytes(apiKey));

    /// <summary>A key of 32 bytes for one purpose.</summary>
    public static byte[] Derive(string secret, string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret), 32, info: Encoding.UTF8.GetBytes($"videoplatform {purpose}"));

    private static string Sign(byte[] key, string text) => Base64Url.EncodeToString(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));

    private static bool Same(string expected, string given) => CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(expected), Encoding.UTF8.GetBytes(given));
}
