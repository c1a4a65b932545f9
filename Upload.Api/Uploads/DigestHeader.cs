using System.Security.Cryptography;

namespace Upload.Api.Uploads;

/// <summary>
/// Content-Digest and Repr-Digest, RFC 9530: a structured-field dictionary of algorithm to byte sequence,
/// <c>sha-256=:BASE64:</c>. sha-256 and sha-512 are verified; other algorithms are ignored, as the RFC wants it.
/// </summary>
public sealed record DigestHeader(byte[]? Sha256, byte[]? Sha512)
{
    public static readonly DigestHeader None = new(null, null);

    public bool IsEmpty => Sha256 is null && Sha512 is null;

    internal IEnumerable<HashAlgorithmName> Algorithms => Named.Select(named => named.Algorithm);

    private IEnumerable<(HashAlgorithmName Algorithm, byte[] Digest)> Named
    {
        get
        {
            if (Sha256 is not null)
            {
                yield return (HashAlgorithmName.SHA256, Sha256);
            }

            if (Sha512 is not null)
            {
                yield return (HashAlgorithmName.SHA512, Sha512);
            }
        }
    }

    /// <summary>True when every digest that the header names is that of the bytes that have passed.</summary>
    internal bool Matches(RunningChecks checks) => Named.All(named => named.Digest.AsSpan().SequenceEqual(checks.Of(named.Algorithm)));

    /// <summary>False where the text is no such dictionary, or a known digest has a wrong length.</summary>
    public static bool TryParse(string? text, out DigestHeader header)
    {
        header = None;
        foreach (var member in (text ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = member.IndexOf('=', StringComparison.Ordinal);
            if (equals < 1 || !TryBytes(member.AsSpan(equals + 1), out var value))
            {
                return false;
            }

            switch (member[..equals])
            {
                case "sha-256" when value.Length == SHA256.HashSizeInBytes:
                    header = header with { Sha256 = value };
                    break;
                case "sha-512" when value.Length == SHA512.HashSizeInBytes:
                    header = header with { Sha512 = value };
                    break;
                case "sha-256" or "sha-512":
                    return false;
                default:
                    break;
            }
        }

        return true;
    }

    private static bool TryBytes(ReadOnlySpan<char> item, out byte[] value)
    {
        value = [];
        if (item.Length < 2 || item[0] != ':' || item[^1] != ':')
        {
            return false;
        }

        try
        {
            value = Convert.FromBase64String(item[1..^1].ToString());
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }
}

/// <summary>Hashes a stream's bytes as they pass; SHA-512 only when somebody asked for it.</summary>
public sealed class RunningDigest(bool sha512) : IDisposable
{
    private readonly RunningChecks _checks = new(sha512 ? [HashAlgorithmName.SHA256, HashAlgorithmName.SHA512] : [HashAlgorithmName.SHA256]);

    public long Bytes { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Bytes += bytes.Length;
        _checks.Append(bytes);
    }

    public byte[] Sha256() => _checks.Of(HashAlgorithmName.SHA256);

    /// <summary>True when every digest that the header names is this one's.</summary>
    public bool Matches(DigestHeader header) => header.Matches(_checks);

    public void Dispose() => _checks.Dispose();
}
