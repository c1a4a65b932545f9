using System.Collections.Frozen;

namespace Lifecycle.Contracts;

/// <summary>An error that clients may see: RFC 9457. The type is stable, the title never depends on the request.</summary>
public sealed record Problem(string Code, int Status, string Title)
{
    public string Type => $"urn:videoplatform:problem:{Code}";
}

/// <summary>The one table of problems; docs/operations.md lists the same ones (checked by a test).</summary>
public static class Problems
{
    /// <summary>When to come again after a refusal that passes by itself.</summary>
    public const int RetryAfterSeconds = 5;

    public static readonly Problem NoFile = new("no-file", 400, "No file was provided: send multipart/form-data with a part named 'file'.");
    public static readonly Problem NoVideo = new("no-video", 400, "No file was provided: send multipart/form-data with a part named 'video'.");
    public static readonly Problem NoTitle = new("no-title", 400, "A title of 1 to 255 characters is needed: send it as the form's field 'title'.");
    public static readonly Problem UnsupportedFormat = new("unsupported-format", 400, "Unsupported format: send a file named .mp4, .avi, .mov, .mkv, .webm or .flv.");
    public static readonly Problem EmptyFile = new("empty-file", 400, "The file is empty.");
    public static readonly Problem MalformedBody = new("malformed-body", 400, "The request body could not be read.");
    public static readonly Problem MalformedHeader = new("malformed-header", 400, "A request header could not be read.");
    public static readonly Problem DigestMismatch = new("digest-mismatch", 400, "The content does not match the digest that was sent with it.");
    public static readonly Problem InvalidField = new("invalid-field", 400, "A field of the request is missing or out of bounds; see the detail.");
    public static readonly Problem NotWebSocket = new("not-websocket", 400, "This resource wants a WebSocket upgrade; for plain HTTP use /video/{id}/status.");
    public static readonly Problem Unauthorized = new("unauthorized", 401, "This needs an account: send Authorization: Bearer TOKEN or X-API-Key.");
    public static readonly Problem WrongLogin = new("wrong-login", 401, "Email or password is wrong.");
    public static readonly Problem Forbidden = new("forbidden", 403, "This account may not do that.");
    public static readonly Problem UnknownVideo = new("unknown-video", 404, "There is no such video.");
    public static readonly Problem UnknownSegment = new("unknown-segment", 404, "There is no such segment.");
    public static readonly Problem UnknownTrack = new("unknown-track", 404, "There is no such rendition.");
    public static readonly Problem UnknownRoute = new("unknown-route", 404, "There is no such resource.");
    public static readonly Problem UnknownApiKey = new("unknown-api-key", 404, "There is no such API key.");
    public static readonly Problem UnknownUpload = new("unknown-upload", 404, "There is no such upload, or it has expired.");
    public static readonly Problem UnknownJob = new("unknown-job", 404, "There is no such job.");
    public static readonly Problem UnknownDeadLetter = new("unknown-dead-letter", 404, "There is no such entry in the dead letter queue.");
    public static readonly Problem UnknownWebhook = new("unknown-webhook", 404, "There is no such webhook.");
    public static readonly Problem UnknownDelivery = new("unknown-delivery", 404, "There is no such delivery of this webhook.");
    public static readonly Problem UnknownUser = new("unknown-user", 404, "There is no such account.");
    public static readonly Problem MethodNotAllowed = new("method-not-allowed", 405, "The method is not allowed here; see the Allow header.");
    public static readonly Problem NotReady = new("not-ready", 409, "The video exists but is not ready for streaming.");
    public static readonly Problem StateConflict = new("state-conflict", 409, "The state does not allow this; see state and allowed.");
    public static readonly Problem VideoTaken = new("video-taken", 409, "Something was uploaded under this video id already.");
    public static readonly Problem EmailTaken = new("email-taken", 409, "There is an account with this email already.");
    public static readonly Problem TooManyKeys = new("too-many-keys", 409, "The account has as many API keys as it may have.");
    public static readonly Problem TooManyWebhooks = new("too-many-webhooks", 409, "The account has as many webhooks as it may have.");
    public static readonly Problem TooManyJobs = new("too-many-jobs", 409, "The video has as many open jobs as it may have.");
    public static readonly Problem NoOutput = new("no-output", 409, "The job has made nothing to download yet.");
    public static readonly Problem UploadIncomplete = new("upload-incomplete", 409, "Parts of the upload are missing; see the detail.");
    public static readonly Problem OffsetConflict = new("offset-conflict", 409, "The upload is not at this offset; ask for it with HEAD.");
    public static readonly Problem IdempotencyInFlight = new("idempotency-in-flight", 409, "The first request with this Idempotency-Key is still running.");
    public static readonly Problem PreconditionFailed = new("precondition-failed", 412, "The content is not the one that If-Match names.");
    public static readonly Problem TooLarge = new("too-large", 413, "The file is larger than this server accepts.");
    public static readonly Problem RangeNotSatisfiable = new("range-not-satisfiable", 416, "The range lies outside the content.");
    public static readonly Problem UnsupportedMediaType = new("unsupported-media-type", 415, "The request's Content-Type is not supported here.");
    public static readonly Problem IdempotencyReused = new("idempotency-reused", 422, "This Idempotency-Key was used with another body.");
    public static readonly Problem UploadLocked = new("upload-locked", 423, "Another request is writing to this upload.");
    public static readonly Problem TooManyRequests = new("too-many-requests", 429, "Too many requests. Try again after Retry-After seconds.");
    public static readonly Problem QuotaExceeded = new("quota-exceeded", 429, "The account's daily quota of videos is used up.");
    public static readonly Problem ChecksumMismatch = new("checksum-mismatch", 460, "The content does not match its Upload-Checksum.");
    public static readonly Problem StorageFailure = new("storage-failure", 500, "The file could not be stored. Send it again.");
    public static readonly Problem Unexpected = new("unexpected", 500, "Something went wrong on the server.");
    public static readonly Problem Unavailable = new("unavailable", 503, "A needed part of the platform is away. Try again after Retry-After seconds.");
    public static readonly Problem InsufficientStorage = new("insufficient-storage", 507, "The configured storage budget is used up.");

    public static FrozenDictionary<string, Problem> All { get; } = new[]
    {
        NoFile, NoVideo, EmptyFile, MalformedBody, MalformedHeader, DigestMismatch, InvalidField, NotWebSocket, Unauthorized, WrongLogin, Forbidden,
        UnknownVideo, UnknownSegment, UnknownTrack, UnknownRoute, UnknownApiKey,
        UnknownUpload, UnknownJob, UnknownDeadLetter, UnknownWebhook, UnknownDelivery, UnknownUser, EmailTaken, TooManyKeys, TooManyWebhooks, TooManyJobs, NoOutput, UploadIncomplete, OffsetConflict,
        MethodNotAllowed, NotReady, StateConflict, IdempotencyInFlight, PreconditionFailed, TooLarge, RangeNotSatisfiable, UnsupportedMediaType, IdempotencyReused,
        UploadLocked, TooManyRequests, QuotaExceeded, ChecksumMismatch, StorageFailure, Unexpected, Unavailable, InsufficientStorage,
    }.ToFrozenDictionary(problem => problem.Code, StringComparer.Ordinal);
}
