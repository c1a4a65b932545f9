using System.Text.Json.Serialization;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Uploads;

namespace Upload.Api.Uploads.Sessions;

/// <summary>The body of <c>POST /api/v1/uploads/initiate</c>.</summary>
public sealed record InitiateRequest(string? Filename, long? TotalSize);

/// <summary>A session as seed 004 shows it.</summary>
/// <param name="PartSize">Bytes of every part but the last.</param>
/// <param name="Status">active, completing or completed.</param>
/// <param name="UploadedBytes">Durable bytes so far.</param>
/// <param name="VideoId">Once it is completed.</param>
/// <param name="Parts">What has arrived; not in lists.</param>
public sealed record SessionBody(
    Guid Id, string? Filename, long TotalSize, int PartSize, int TotalParts, string Status, DateTimeOffset ExpiresAt, long UploadedBytes, Guid? VideoId, IReadOnlyList<UploadedPartBody>? Parts)
{
    public static SessionBody Of(UploadSession session, IReadOnlyList<SessionPart>? parts = null) => new(
        session.Id, session.FileName, session.TotalBytes, session.PartBytes, session.TotalParts, StatusOf(session.State), session.ExpiresAt, session.Received,
        VideoLifecycle.IsVisible(session.State) ? session.VideoId : null, parts is null ? null : [.. parts.Select(UploadedPartBody.Of)]);

    private static string StatusOf(VideoState state) => state switch
    {
        VideoState.Uploading => "active",
        VideoState.Completing => "completing",
        _ => "completed",
    };
}

public sealed record UploadedPartBody(int PartNumber, long Size, string Etag, DateTimeOffset UploadedAt)
{
    public static UploadedPartBody Of(SessionPart part) => new(part.Number, part.Bytes, part.ETag, part.UploadedAt);
}

/// <summary>The answer to a part.</summary>
/// <param name="Etag">MD5 of the bytes, hexadecimal.</param>
/// <param name="Uploaded">Always true: it is durable.</param>
public sealed record PartAcceptedBody(int PartNumber, long Size, string Etag, bool Uploaded, DateTimeOffset UploadedAt);

/// <param name="Next">Where the next page begins; absent on the last.</param>
public sealed record SessionsBody(IReadOnlyList<SessionBody> Uploads, string? Next);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(InitiateRequest))]
[JsonSerializable(typeof(SessionBody))]
[JsonSerializable(typeof(SessionsBody))]
[JsonSerializable(typeof(PartAcceptedBody))]
internal sealed partial class SessionJson : JsonSerializerContext;
