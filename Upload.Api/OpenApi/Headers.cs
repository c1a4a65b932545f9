using Microsoft.OpenApi;

namespace Upload.Api.OpenApi;

/// <summary>The headers that answers have beside those of every HTTP answer.</summary>
internal static class Headers
{
    public const string RetryAfter = "Retry-After";
    public const string RateLimit = "RateLimit";
    public const string RateLimitPolicy = "RateLimit-Policy";
    public const string Location = "Location";
    public const string ETag = "ETag";
    public const string ContentRange = "Content-Range";
    public const string WwwAuthenticate = "WWW-Authenticate";

    public static readonly IReadOnlyDictionary<string, string> All = new SortedDictionary<string, string>(StringComparer.Ordinal)
    {
        [RetryAfter] = "Seconds until the request may be sent again.",
        [RateLimit] = "What is left of the limit: \"policy\";r=REQUESTS;t=SECONDS until it is whole again.",
        [RateLimitPolicy] = "The limit: \"policy\";q=REQUESTS;w=SECONDS.",
        [Location] = "Where the new resource is.",
        [ETag] = "The content's validator.",
        [ContentRange] = "Which bytes these are, and of how many.",
        [WwwAuthenticate] = "Bearer.",
        ["Tus-Resumable"] = "The protocol's version, 1.0.0.",
        ["Tus-Version"] = "The versions that the server speaks.",
        ["Tus-Extension"] = "The extensions that the server has.",
        ["Tus-Max-Size"] = "The largest upload, in bytes.",
        ["Tus-Checksum-Algorithm"] = "The algorithms of Upload-Checksum.",
        ["Upload-Offset"] = "Durable bytes of the upload.",
        ["Upload-Length"] = "The upload's size in bytes.",
        ["Upload-Metadata"] = "As the creation sent it.",
        ["Upload-Concat"] = "As the creation sent it.",
        ["Upload-Expires"] = "When an unfinished upload is removed.",
        ["X-Video-Id"] = "The video that the upload is, or becomes.",
    };

    public static IOpenApiHeader Reference(string name, OpenApiDocument document) =>
        All.ContainsKey(name) ? new OpenApiHeaderReference(name, document) : throw new ArgumentException($"{name} is not described.", nameof(name));
}
