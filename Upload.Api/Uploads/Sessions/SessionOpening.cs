using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Uploads;
using Lifecycle.Store.Videos;
using Microsoft.Extensions.Options;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads.Sessions;

/// <summary>What a client wants to send.</summary>
/// <param name="IdempotencyKey">Its sender's own.</param>
public sealed record SessionRequest(
    Guid OwnerId, UploadKind Kind, string? FileName, long TotalBytes, string? Metadata = null, string? Concat = null, string? IdempotencyKey = null);

/// <summary>A session, or why there is none.</summary>
public readonly record struct OpenedSession(UploadSession? Session, Problem? Problem, string? Detail = null)
{
    public static OpenedSession Refused(Problem problem, string? detail = null) => new(null, problem, detail);
}

internal static class SessionRefusals
{
    /// <summary>The problem as an answer; what passes by itself says when to come again.</summary>
    public static ProblemResult ToRefusal(this Problem problem, string? detail = null) =>
        problem.ToResult(detail, problem.Status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests ? Problems.RetryAfterSeconds : null);
}

/// <summary>Opens sessions: the video's row, the store's multipart upload, the session's row, in this order. A crash in between leaves a row that the reaper has after the usual lease.</summary>
public sealed class SessionOpening(UploadStore uploads, UploadSessions sessions, UploadEnd end, ObjectStore objects, IOptions<UploadOptions> options, IOptions<PartOptions> parts)
{
    /// <summary>Opens a session, or finds the one that the same request opened before.</summary>
    public async Task<OpenedSession> OpenAsync(SessionRequest request, CancellationToken ct)
    {
        if (request.TotalBytes > options.Value.MaxBytes)
        {
            return OpenedSession.Refused(Problems.TooLarge, $"At most {options.Value.MaxBytes} bytes.");
        }

        if (request.IdempotencyKey is { } key && await sessions.FindByKeyAsync(request.OwnerId, key, ct) is { } earlier)
        {
            return Repeated(earlier, request);
        }

        // A final upload brings no bytes: those of its pieces are counted.
        if (request.Kind != UploadKind.Final && options.Value.BudgetBytes is var budget and > 0 && await uploads.StoredBytesAsync(ct) + request.TotalBytes > budget)
        {
            return OpenedSession.Refused(Problems.InsufficientStorage);
        }

        if (await sessions.HasOpenAsync(request.OwnerId, options.Value.MaxSessions, ct))
        {
            return OpenedSession.Refused(Problems.TooManyRequests, $"An account has at most {options.Value.MaxSessions} open uploads. Complete or abort one.");
        }

        return await BeginAsync(request, ct);
    }

    private async Task<OpenedSession> BeginAsync(SessionRequest request, CancellationToken ct)
    {
        NewSession session = new(
            Guid.CreateVersion7(), Guid.CreateVersion7(), request.OwnerId, request.Kind, request.TotalBytes, parts.Value.PartBytes(request.TotalBytes), request.Metadata, request.Concat, request.IdempotencyKey);
        var token = await uploads.BeginAsync(session.VideoId, request.OwnerId, request.FileName, request.Kind == UploadKind.Partial, ct);
        var opened = false;
        try
        {
            var s3Upload = await objects.BeginUploadAsync(ObjectKeys.Source(session.VideoId), ct);
            // A final upload is made in one request, which beats.
            var life = options.Value.SessionLife;
            var outcome = await sessions.OpenAsync(session, token, s3Upload, life, request.Kind == UploadKind.Final ? UploadStore.Lease : life, ct);
            opened = outcome == OpenOutcome.Opened;
            return outcome switch
            {
                OpenOutcome.Opened => await sessions.FindAsync(session.Id, ct) is { } found ? new(found, null) : OpenedSession.Refused(Problems.Unavailable),
                OpenOutcome.KeyUsed when await sessions.FindByKeyAsync(request.OwnerId, request.IdempotencyKey!, ct) is { } earlier => Repeated(earlier, request),
                _ => OpenedSession.Refused(Problems.Unavailable),
            };
        }
        finally
        {
            if (!opened)
            {
                await end.TakeApartAsync(session.VideoId, token);
            }
        }
    }

    private static OpenedSession Repeated(UploadSession earlier, SessionRequest request) =>
        (earlier.Kind, earlier.TotalBytes, earlier.FileName) == (request.Kind, request.TotalBytes, request.FileName) ? new(earlier, null) : OpenedSession.Refused(Problems.IdempotencyReused);
}
