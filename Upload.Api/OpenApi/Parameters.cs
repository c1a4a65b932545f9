using Lifecycle.Contracts;
using Microsoft.OpenApi;

namespace Upload.Api.OpenApi;

/// <summary>Parameters that several routes have, and those of the paths by their names.</summary>
internal static class Parameters
{
    public static readonly ParameterDoc IdempotencyKey = Header(
        "Idempotency-Key", $"Makes the request safe to repeat: the same key with the same body gives the same result. 1 to {Limits.IdempotencyKeyChars} visible ASCII characters.");

    public static readonly ParameterDoc ContentDigest = Header("Content-Digest", "The body's digest, sha-256 or sha-512 (RFC 9530); a body that does not match is refused.");

    public static readonly ParameterDoc ReprDigest = Header("Repr-Digest", "As Content-Digest: here the body is the representation.");

    public static readonly ParameterDoc ContentMd5 = Header("Content-MD5", "Base64 of the MD5 of the part's bytes (RFC 1864); a part that does not match is refused.");

    public static readonly ParameterDoc Range = Header("Range", "A range of bytes, such as bytes=0-1048575.");

    public static readonly ParameterDoc IfRange = Header("If-Range", "The ETag that the Range is of; of another content all is sent.");

    public static readonly ParameterDoc IfNoneMatch = Header("If-None-Match", "An ETag that the client has already: then 304.");

    public static readonly IReadOnlyList<ParameterDoc> Paging =
    [
        new("after", ParameterLocation.Query, "The next of the page before; left out: the newest entries.") { Format = "uuid" },
        new("limit", ParameterLocation.Query, "Entries of a page: 1 to 100, 20 where it is left out.", JsonSchemaType.Integer) { Format = "int32" },
    ];

    private static readonly Dictionary<string, string> _inPaths = new(StringComparer.Ordinal)
    {
        ["keyId"] = "The API key's id.",
        ["userId"] = "The account's id.",
        ["videoId"] = "The video's id.",
        ["jobId"] = "The job's id.",
        ["name"] = "A file of the output, as the playlist names it.",
        ["entryId"] = "The entry's id.",
        ["uploadId"] = "The upload's id.",
        ["partNumber"] = "1 to the upload's total_parts.",
        ["webhookId"] = "The webhook's id.",
        ["deliveryId"] = "The delivery's id.",
        ["sessionId"] = "The upload_session_id that the upload answered.",
        ["fileId"] = "The upload's id: the last part of the Location that its creation answered.",
    };

    public static ParameterDoc Header(string name, string description, bool required = false) => new(name, ParameterLocation.Header, description) { IsRequired = required };

    public static ParameterDoc Query(string name, string description, params IReadOnlyList<string> values) => new(name, ParameterLocation.Query, description, JsonSchemaType.String, values);

    /// <summary>The parameters that a path's template names.</summary>
    public static IEnumerable<ParameterDoc> Of(string path) => path.Split('/').Where(part => part.StartsWith('{')).Select(part => part.Trim('{', '}')).Select(name => name switch
    {
        "partNumber" => new ParameterDoc(name, ParameterLocation.Path, _inPaths[name], JsonSchemaType.Integer) { IsRequired = true, Format = "int32" },
        "name" => new ParameterDoc(name, ParameterLocation.Path, _inPaths[name]) { IsRequired = true },
        _ => new ParameterDoc(name, ParameterLocation.Path, _inPaths[name]) { IsRequired = true, Format = "uuid" },
    });
}
