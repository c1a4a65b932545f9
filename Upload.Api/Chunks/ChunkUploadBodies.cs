using System.Text.Json.Serialization;
using Lifecycle.Contracts.Chunks;
using Lifecycle.Store.Chunks;

namespace Upload.Api.Chunks;

/// <summary>The answer to an upload, in seed 002's words.</summary>
public sealed record ChunkUploadAccepted(Guid VideoId, Guid UploadSessionId, string Title, string Status, string Message, string StatusUrl)
{
    public static ChunkUploadAccepted Of(ChunkUpload upload) =>
        new(upload.VideoId, upload.Id, upload.Title, UploadPhases.NameOf(UploadPhase.Processing), "Video upload received and processing started", $"/upload/status/{upload.Id}");
}

/// <summary>How far an upload is.</summary>
/// <param name="Status">uploading, processing, chunking, registering, uploading_chunks, finalizing, completed or failed.</param>
/// <param name="Progress">Percent.</param>
/// <param name="TotalChunks">Null until the video is cut.</param>
/// <param name="Error">Why it has failed.</param>
public sealed record ChunkUploadStatus(Guid VideoId, string Title, string? Filename, string Status, int Progress, DateTimeOffset StartedAt, int? TotalChunks, string? Error)
{
    public static ChunkUploadStatus Of(ChunkUpload upload) =>
        new(upload.VideoId, upload.Title, upload.FileName, UploadPhases.NameOf(upload.Phase), upload.Percent, upload.StartedAt, upload.Chunks, upload.Error);
}

/// <summary>The uploader's health, at <c>/health</c> of its own port.</summary>
public sealed record UploaderHealth(string Status, string Service, long ActiveUploads);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ChunkUploadAccepted))]
[JsonSerializable(typeof(ChunkUploadStatus))]
[JsonSerializable(typeof(UploaderHealth))]
public sealed partial class ChunkUploadJson : JsonSerializerContext;
