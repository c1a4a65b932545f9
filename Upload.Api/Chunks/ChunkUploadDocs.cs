using Lifecycle.Contracts;
using Upload.Api.OpenApi;
using static Upload.Api.OpenApi.BodyDoc;

namespace Upload.Api.Chunks;

internal static class ChunkUploadDocs
{
    private const string Accepted =
        $$"""{"video_id":"{{Example.Video}}","upload_session_id":"660f9511-f39c-42e5-b827-557766551111","title":"My Video","status":"processing","message":"Video upload received and processing started","status_url":"/upload/status/660f9511-f39c-42e5-b827-557766551111"}""";

    private const string Status =
        $$"""{"video_id":"{{Example.Video}}","title":"My Video","filename":"video.mp4","status":"failed","progress":65,"started_at":"2026-11-06T10:30:00Z","total_chunks":60,"error":"Too few nodes took a chunk."}""";

    public static FeatureDoc Feature { get; } = new("Chunk store uploads", "Videos that go to the chunk store's nodes too. `POST /upload` with the fields `video` and `title` is the same without an id.",
    [
        new("POST", "/upload/{videoId}", "uploadToChunkStore", "Upload a video under the id that the metadata service gave out", new(200, "The file is durable, its processing begins.", Json<ChunkUploadAccepted>(Accepted)))
        {
            Access = Access.Optional, Request = Form("video"),
            Problems = [Problems.NoVideo, Problems.NoTitle, Problems.UnsupportedFormat, Problems.EmptyFile, Problems.UnknownVideo, Problems.VideoTaken, Problems.TooLarge, Problems.StorageFailure],
        },
        new("GET", "/upload/status/{sessionId}", "getChunkUpload", "How far an upload to the chunk store is", new(200, "Its phase and percent.", Json<ChunkUploadStatus>(Status)))
        { Access = Access.Open, Problems = [Problems.UnknownUpload] },
        new("GET", "/upload/health", "getUploaderHealth", "The uploader's health; at its own port it is /health", new(200, "It answers.",
            Json<UploaderHealth>("""{"status":"healthy","service":"uploader-service","active_uploads":2}""")))
        { Access = Access.Open },
    ]);
}
