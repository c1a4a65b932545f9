using System.Security.Cryptography;

namespace Storage.Fabric;

/// <summary>SHA-256 as seed 002 writes it: <c>sha256:</c> and lower-case hex in JSON, bare hex in a node's ETag.</summary>
public static class Checksum
{
    private const string Prefix = "sha256:";

    public static string HexOf(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    public static string InJson(string hex) => Prefix + hex;

    /// <summary>Takes 64 hex digits of any case, with the prefix of any case or without it.</summary>
    /// <param name="hex">Lower-case, without the prefix.</param>
    public static bool TryParse(string? text, out string hex)
    {
        var digits = text is not null && text.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) ? text[Prefix.Length..] : text;
        var valid = digits is { Length: 64 } && digits.All(char.IsAsciiHexDigit);
        hex = valid ? digits!.ToLowerInvariant() : "";
        return valid;
    }
}
