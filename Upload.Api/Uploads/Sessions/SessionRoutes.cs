using System.Globalization;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Uploads;
using Lifecycle.Store.Videos;
using Upload.Api.Accounts;
using Upload.Api.Limiting;
using Upload.Api.Videos;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads.Sessions;

/// <summary>
/// <c>/api/v1/uploads</c> (seed 004): a session is opened, its parts are put in any order, on any replica, as often as the
/// client likes, and completing it makes the video. Another account's session does not exist (404).
/// </summary>
public static class SessionRoutes
{
    public static void MapSessions(this IEndpointRouteBuilder routes)
    {
        var sessions = routes.MapGroup("/api/v1/uploads").RequireAuthorization();
        sessions.MapPost("/initiate", InitiateAsync);
        sessions.MapGet("/", ListAsync);
        sessions.MapGet("/{uploadId}", GetAsync);
        sessions.MapPut("/{uploadId}/parts/{partNumber}", PutPartAsync).IsDataPlane();
        sessions.MapPost("/{uploadId}/complete", CompleteAsync);
        sessions.MapDelete("/{uploadId}", AbortAsync);
    }

    private static async Task<IResult> InitiateAsync(HttpContext context, InitiateRequest request, Caller caller, SessionOpening opening, CancellationToken ct)
    {
        if (request.TotalSize is not > 0)
        {
            return Problems.InvalidField.ToResult("total_size is the file's size in bytes, at least 1.");
        }

        if (FileNames.Clean(request.Filename) is not { } fileName)
        {
            return Problems.InvalidField.ToResult("filename is needed.");
        }

        if (!IdempotencyHeader.TryRead(context.Request, out var key))
        {
            return Problems.MalformedHeader.ToResult(IdempotencyHeader.Rule);
        }

        var opened = await opening.OpenAsync(new(caller.UserId, UploadKind.Parts, fileName, request.TotalSize.Value, IdempotencyKey: key), ct);
        if (opened.Session is not { } session)
        {
            return opened.Problem!.ToRefusal(opened.Detail);
        }

        context.Response.Headers.Location = $"/api/v1/uploads/{session.Id}";
        return TypedResults.Json(SessionBody.Of(session), SessionJson.Default.SessionBody, statusCode: StatusCodes.Status201Created);
    }

    private static async Task<IResult> ListAsync(Caller caller, UploadSessions sessions, string? after, int? limit, CancellationToken ct)
    {
        if (Page.Read(after, limit, out var page) is { } refusal)
        {
            return refusal;
        }

        var (shown, next) = page.Cut(await sessions.ListOpenAsync(caller.UserId, page.Below, page.Asked, ct), session => session.Id);
        return TypedResults.Json(new SessionsBody([.. shown.Select(session => SessionBody.Of(session))], next), SessionJson.Default.SessionsBody);
    }

    private static async Task<IResult> GetAsync(string uploadId, Caller caller, UploadSessions sessions, CancellationToken ct) =>
        await FindAsync(uploadId, caller, sessions, ct) is { } session
            ? TypedResults.Json(SessionBody.Of(session, await sessions.PartsAsync(session.Id, ct)), SessionJson.Default.SessionBody)
            : Problems.UnknownUpload.ToResult();

    private static async Task<IResult> PutPartAsync(
        HttpContext context, string uploadId, string partNumber, Caller caller, UploadSessions sessions, PartReceiver receiver, PartGate gate, CancellationToken ct)
    {
        using var place = gate.TryEnter();
        if (place is null)
        {
            return Problems.Unavailable.ToResult("This server takes no more parts at the moment.", Problems.RetryAfterSeconds);
        }

        if (await FindAsync(uploadId, caller, sessions, ct) is not { } session)
        {
            return Problems.UnknownUpload.ToResult();
        }

        if (!session.IsOpen)
        {
            return Conflict(session);
        }

        return int.TryParse(partNumber, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= session.TotalParts
            ? await receiver.ReceiveAsync(context, session, number, ct)
            : Problems.InvalidField.ToResult($"The upload has the parts 1 to {session.TotalParts}.");
    }

    private static async Task<IResult> CompleteAsync(string uploadId, Caller caller, UploadSessions sessions, SessionCompletion completion, VideoLibrary library, CancellationToken ct)
    {
        if (await FindAsync(uploadId, caller, sessions, ct) is not { } session)
        {
            return Problems.UnknownUpload.ToResult();
        }

        var completed = await completion.CompleteAsync(session, ct);
        if (completed.Problem is { } problem)
        {
            return problem.ToRefusal(completed.Detail);
        }

        return await library.FindAsync(completed.VideoId, ct) is { } video ? TypedResults.Json(VideoBody.Accepted(video), VideoJson.Default.VideoBody) : Problems.UnknownUpload.ToResult();
    }

    private static async Task<IResult> AbortAsync(string uploadId, Caller caller, UploadSessions sessions, UploadEnd end, CancellationToken ct)
    {
        if (await FindAsync(uploadId, caller, sessions, ct) is not { } session)
        {
            return Problems.UnknownUpload.ToResult();
        }

        if (session.IsOpen && await end.TakeApartAsync(session.VideoId, session.UploadToken ?? 0))
        {
            return TypedResults.NoContent();
        }

        return await sessions.FindAsync(session.Id, ct) switch
        {
            null => Problems.UnknownUpload.ToResult(),
            { IsOpen: true } => Problems.Unavailable.ToResult(retryAfterSeconds: Problems.RetryAfterSeconds),
            { } now => Conflict(now),
        };
    }

    /// <summary>The session of numbered parts, where it is one of the caller's.</summary>
    private static async Task<UploadSession?> FindAsync(string uploadId, Caller caller, UploadSessions sessions, CancellationToken ct) =>
        Guid.TryParseExact(uploadId, "D", out var id) && await sessions.FindAsync(id, ct) is { Kind: UploadKind.Parts } session && caller.MayUse(session.OwnerId) ? session : null;

    private static ProblemResult Conflict(UploadSession session) =>
        new(Problems.StateConflict, state: VideoLifecycle.Table.NameOf(session.State), allowed: [.. VideoLifecycle.Table.AllowedIn(session.State).Select(trigger => trigger.ToString())]);
}
