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
    private readonly IncrementalHash _sha256 = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash? _sha512 = sha512 ? IncrementalHash.CreateHash(HashAlgorithmName.SHA512) : null;

    public long Bytes { get; private set; }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Bytes += bytes.Length;
        _sha256.AppendData(bytes);
        _sha512?.AppendData(bytes);
    }

    public byte[] Sha256() => _sha256.GetCurrentHash();

    /// <summary>True when every digest that the header names is this one's.</summary>
    public bool Matches(DigestHeader header) =>
        (header.Sha256 is null || header.Sha256.AsSpan().SequenceEqual(_sha256.GetCurrentHash()))
        && (header.Sha512 is null || header.Sha512.AsSpan().SequenceEqual(_sha512!.GetCurrentHash()));

    public void Dispose()
    {
        _sha256.Dispose();
        _sha512?.Dispose();
    }
}
