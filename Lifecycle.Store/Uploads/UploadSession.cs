using Lifecycle.Contracts.Videos;

namespace Lifecycle.Store.Uploads;

/// <summary>How a session's bytes come; the names stand in the database.</summary>
public enum UploadKind
{
    /// <summary>Seed 004's numbered parts.</summary>
    Parts,

    /// <summary>tus: one sequence of bytes.</summary>
    Tus,

    /// <summary>tus: a piece that a final upload will take.</summary>
    Partial,

    /// <summary>tus: made of partial uploads, in one request.</summary>
    Final,
}

/// <summary>A session that is to be opened.</summary>
/// <param name="Metadata">tus: Upload-Metadata as it was sent.</param>
/// <param name="Concat">tus: Upload-Concat as it was sent.</param>
/// <param name="IdempotencyKey">Its owner's; one session has it.</param>
public sealed record NewSession(
    Guid Id, Guid VideoId, Guid OwnerId, UploadKind Kind, long TotalBytes, int PartBytes, string? Metadata = null, string? Concat = null, string? IdempotencyKey = null);

/// <summary>A resumable upload and the video that it is to be, or is already.</summary>
/// <param name="VideoId">A partial upload's is the final one's once that has taken its bytes.</param>
/// <param name="Received">Durable bytes: of a tus upload its offset, else the sum of its parts.</param>
/// <param name="TailKey">The object with what is behind the last whole part; null where there is nothing.</param>
/// <param name="UploadToken">Fences the video's upload; null once it is UPLOADED.</param>
public sealed record UploadSession(
    Guid Id, Guid VideoId, Guid OwnerId, UploadKind Kind, string? FileName, long TotalBytes, int PartBytes, long Received, string? TailKey, string? Metadata, string? Concat,
    DateTimeOffset ExpiresAt, VideoState State, long? UploadToken, string? S3UploadId)
{
    public int TotalParts => (int)((TotalBytes + PartBytes - 1) / PartBytes);

    /// <summary>More bytes may come.</summary>
    public bool IsOpen => State == VideoState.Uploading;

    /// <summary>Of a part by its number, 1 to <see cref="TotalParts"/>: all are alike but the last.</summary>
    public int BytesOfPart(int number) => (int)Math.Min(PartBytes, TotalBytes - ((number - 1L) * PartBytes));
}

/// <param name="ETag">MD5 of the bytes, hexadecimal.</param>
public sealed record SessionPart(int Number, long Bytes, string ETag, DateTimeOffset UploadedAt);

/// <summary>What came of opening a session.</summary>
public enum OpenOutcome
{
    Opened,

    /// <summary>The reaper took the video's row: this process had stalled.</summary>
    TakenOver,

    /// <summary>The owner has a session with this Idempotency-Key.</summary>
    KeyUsed,
}
