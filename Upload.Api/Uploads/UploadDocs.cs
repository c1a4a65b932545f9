using Lifecycle.Contracts;
using Upload.Api.OpenApi;
using Upload.Api.Videos;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Uploads;

internal static class UploadDocs
{
    private static readonly ParameterDoc[] _headers = [Parameters.IdempotencyKey, Parameters.ContentDigest, Parameters.ReprDigest];

    private static readonly Problem[] _problems =
    [
        Problems.EmptyFile, Problems.MalformedHeader, Problems.DigestMismatch, Problems.IdempotencyInFlight, Problems.TooLarge, Problems.IdempotencyReused, Problems.QuotaExceeded, Problems.InsufficientStorage,
    ];

    public static FeatureDoc Feature { get; } = new("Uploads", "A file in one request. Beyond about 100 MB send it in parts, or with tus.",
    [
        new("POST", "/upload", "upload", "Upload a file, with or without an account", new(201, "The file is durable.",
            Json<UploadAccepted>($$"""{"videoId":"{{Example.Video}}"}"""), Headers.Location))
        { Access = Access.Optional, Request = Form("file"), Parameters = _headers, Problems = [Problems.NoFile, .. _problems, Problems.StorageFailure] },
        new("POST", "/api/v1/videos/upload", "uploadVideo", "Upload a video", new(201, "The file is durable.", Json<VideoBody>(VideoDocs.NewVideo)))
        { IsDataPlane = true, Request = Form("video"), Parameters = _headers, Problems = [Problems.NoVideo, .. _problems] },
    ]);
}
