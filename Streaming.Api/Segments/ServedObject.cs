using Lifecycle.Contracts.Media;
using Microsoft.Extensions.Primitives;
using Streaming.Api.Edge;

namespace Streaming.Api.Segments;

/// <summary>An object of a READY version with everything that an answer says of it, made once.</summary>
/// <param name="stored">The catalogue's entry.</param>
/// <param name="contentType">What it is served as.</param>
/// <param name="edge">Where it is on the chunk store's nodes; null: in S3 alone.</param>
public sealed class ServedObject(StoredObject stored, string contentType, EdgeSegment? edge = null)
{
    /// <summary>128 of the checksum's 256 bits tell any two contents apart, and half the header's length is saved.</summary>
    private const int ETagDigits = 32;

    public string Key => stored.Key;

    public long Bytes => stored.Bytes;

    /// <summary>Lower-case hexadecimal.</summary>
    public string Sha256 => stored.Sha256;

    public EdgeSegment? Edge => edge;

    public StringValues ContentType { get; } = contentType;

    /// <summary>Strong: it comes from the content.</summary>
    public StringValues ETag { get; } = $"\"{stored.Sha256[..Math.Min(ETagDigits, stored.Sha256.Length)]}\"";
}
