using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Upload.Api.Uploads.Tus;

/// <summary>An Upload-Checksum: the algorithm's name and the digest.</summary>
internal sealed record TusChecksum(HashAlgorithmName Algorithm, byte[] Digest);

/// <summary>What an Upload-Concat says.</summary>
/// <param name="Pieces">Of a final upload, in order; null: this is a partial upload.</param>
internal sealed record TusConcat(IReadOnlyList<Guid>? Pieces);

/// <summary>The protocol's request headers. Each reader is false where the header is there and cannot be read; null where it is not there.</summary>
internal static class TusHeaders
{
    public const string Version = "1.0.0";
    public const string Resumable = "Tus-Resumable";
    public const string UploadOffset = "Upload-Offset";
    public const string UploadLength = "Upload-Length";
    public const string UploadMetadata = "Upload-Metadata";
    public const string UploadChecksum = "Upload-Checksum";
    public const string UploadConcat = "Upload-Concat";
    public const string UploadExpires = "Upload-Expires";
    public const string DeferLength = "Upload-Defer-Length";
    public const string MethodOverride = "X-HTTP-Method-Override";
    public const string VideoId = "X-Video-Id";

    public const string Extensions = "creation,creation-with-upload,expiration,checksum,termination,concatenation";
    public const string OffsetOctetStream = "application/offset+octet-stream";

    /// <summary>Pieces of one final upload: what a client sends at a time, and far more.</summary>
    public const int MostPieces = 1000;

    private static readonly Dictionary<string, (HashAlgorithmName Name, int Bytes)> _algorithms = new(StringComparer.Ordinal)
    {
        ["md5"] = (HashAlgorithmName.MD5, MD5.HashSizeInBytes),
        ["sha1"] = (HashAlgorithmName.SHA1, SHA1.HashSizeInBytes),
        ["sha256"] = (HashAlgorithmName.SHA256, SHA256.HashSizeInBytes),
    };

    public static string Algorithms { get; } = string.Join(',', _algorithms.Keys);

    public static bool TryNumber(HttpRequest request, string name, out long? number)
    {
        number = null;
        if (request.Headers[name].ToString() is not { Length: > 0 } text)
        {
            return true;
        }

        if (!long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        number = value;
        return true;
    }

    /// <summary>Pairs of a key and a base64 value that may be empty; a key stands once.</summary>
    /// <param name="metadata">The header as it was sent: HEAD answers with it.</param>
    /// <param name="fileName">Of the keys <c>filename</c> and <c>name</c>.</param>
    public static bool TryMetadata(HttpRequest request, out string? metadata, out string? fileName)
    {
        (metadata, fileName) = (null, null);
        if (request.Headers[UploadMetadata].ToString() is not { Length: > 0 } text)
        {
            return true;
        }

        if (text.Any(character => character is < ' ' or > '~'))
        {
            return false; // HEAD answers with it, and such a header cannot be sent
        }

        Dictionary<string, string> pairs = new(StringComparer.Ordinal);
        foreach (var pair in text.Split(',', StringSplitOptions.TrimEntries))
        {
            var (key, encoded) = pair.Split(' ') is [var name, .. var rest] ? (name, rest) : default;
            var value = new byte[encoded is [var only] ? only.Length : 0];
            if (key is not { Length: > 0 } || encoded!.Length > 1 || !Convert.TryFromBase64String(encoded is [var one] ? one : "", value, out var written)
                || !pairs.TryAdd(key, Encoding.UTF8.GetString(value, 0, written)))
            {
                return false;
            }
        }

        metadata = text;
        fileName = FileNames.Clean(pairs.GetValueOrDefault("filename") ?? pairs.GetValueOrDefault("name"));
        return true;
    }

    public static bool TryChecksum(HttpRequest request, out TusChecksum? checksum)
    {
        checksum = null;
        if (request.Headers[UploadChecksum].ToString() is not { Length: > 0 } text)
        {
            return true;
        }

        if (text.Split(' ') is not [var name, var encoded] || !_algorithms.TryGetValue(name, out var algorithm))
        {
            return false;
        }

        var digest = new byte[algorithm.Bytes];
        if (!Convert.TryFromBase64String(encoded, digest, out var written) || written != digest.Length)
        {
            return false;
        }

        checksum = new(algorithm.Name, digest);
        return true;
    }

    /// <summary><c>partial</c>, or <c>final;</c> and the pieces' addresses, absolute or not: of whichever origin, they are ours.</summary>
    public static bool TryConcat(HttpRequest request, out TusConcat? concat)
    {
        concat = null;
        if (request.Headers[UploadConcat].ToString() is not { Length: > 0 } text)
        {
            return true;
        }

        if (text == "partial")
        {
            concat = new(null);
            return true;
        }

        if (!text.StartsWith("final;", StringComparison.Ordinal))
        {
            return false;
        }

        List<Guid> pieces = [];
        foreach (var address in text["final;".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            var path = Uri.TryCreate(address, UriKind.Absolute, out var absolute) && absolute.Scheme is "http" or "https" ? absolute!.AbsolutePath : address;
            if (!path.StartsWith("/files/", StringComparison.Ordinal) || !Guid.TryParseExact(path["/files/".Length..], "D", out var piece))
            {
                return false;
            }

            pieces.Add(piece);
        }

        concat = new(pieces);
        return pieces.Count is > 0 and <= MostPieces && pieces.Distinct().Count() == pieces.Count;
    }
}
