using Lifecycle.Contracts;
using Upload.Api.OpenApi;
using Upload.Api.Videos;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Uploads.Sessions;

internal static class SessionDocs
{
    private const string Part = "\"part_number\":1,\"size\":5242880,\"etag\":\"9b2cf535f27731c974343645a3985328\"";

    private const string Session = $$"""
        "id":"{{Example.Upload}}","filename":"large_video.mp4","total_size":5368709120,"part_size":5242880,"total_parts":1024,"status":"active","expires_at":"2025-01-18T10:00:00Z"
        """;

    public static FeatureDoc Feature { get; } = new("Uploads in parts", "Resumable uploads: parts in any order, as often as needed, then the completion. What is not completed within its time is removed.",
    [
        new("POST", "/api/v1/uploads/initiate", "initiateUpload", "Begin an upload in parts", new(201, "The upload, and how it is cut.", Json<SessionBody>($$"""{{{Session}},"uploaded_bytes":0}"""), Headers.Location))
        {
            Request = Json<InitiateRequest>("""{"filename":"large_video.mp4","total_size":5368709120}"""), Parameters = [Parameters.IdempotencyKey],
            Problems = [Problems.InvalidField, Problems.MalformedHeader, Problems.TooLarge, Problems.IdempotencyReused, Problems.QuotaExceeded, Problems.InsufficientStorage],
        },
        new("GET", "/api/v1/uploads", "listUploads", "The account's open uploads", new(200, "A page of uploads.",
            Json<SessionsBody>($$"""{"uploads":[{{{Session}},"uploaded_bytes":5242880}],{{Example.Next}}}"""))) { Parameters = Parameters.Paging, Problems = [Problems.InvalidField] },
        new("GET", "/api/v1/uploads/{uploadId}", "getUpload", "An upload, with the parts that have arrived", new(200, "The upload.",
            Json<SessionBody>($$"""{{{Session}},"uploaded_bytes":5242880,"parts":[{{{Part}},"uploaded_at":"2025-01-17T10:05:00Z"}]}"""))) { Problems = [Problems.UnknownUpload] },
        new("PUT", "/api/v1/uploads/{uploadId}/parts/{partNumber}", "putPart", "Send a part; a second time, it replaces the first", new(200, "The part is durable.",
            Json<PartAcceptedBody>($$"""{{{Part}},"uploaded":true,"uploaded_at":"2025-01-17T10:05:00Z"}"""), Headers.ETag))
        {
            IsDataPlane = true, Request = Bytes("application/octet-stream"), Parameters = [Parameters.ContentMd5, Parameters.ContentDigest],
            Description = "Every part has `part_size` bytes, the last one the rest.",
            Problems = [Problems.InvalidField, Problems.MalformedHeader, Problems.DigestMismatch, Problems.UnknownUpload, Problems.StateConflict],
        },
        new("POST", "/api/v1/uploads/{uploadId}/complete", "completeUpload", "Make the video of the parts; again, the same answer", new(200, "The video.", Json<VideoBody>(VideoDocs.NewVideo)))
        { Problems = [Problems.UnknownUpload, Problems.UploadIncomplete] },
        new("DELETE", "/api/v1/uploads/{uploadId}", "abortUpload", "Give an upload up", new(204, "Its parts are gone.")) { Problems = [Problems.UnknownUpload, Problems.StateConflict] },
    ]);
}
