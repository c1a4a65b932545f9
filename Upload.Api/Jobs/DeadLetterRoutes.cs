using Lifecycle.Contracts;
using Lifecycle.Store.Tasks;
using Upload.Api.Accounts;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Jobs;

/// <summary><c>/api/v1/dlq</c>: jobs that failed for good, of the caller's videos; an admin's are all.</summary>
internal static class DeadLetterRoutes
{
    public static void MapDeadLetters(this IEndpointRouteBuilder routes)
    {
        var letters = routes.MapGroup("/api/v1/dlq").RequireAuthorization();
        letters.MapGet("/", ListAsync);
        letters.MapGet("/{entryId}", GetAsync);
        letters.MapPost("/{entryId}/retry", RetryAsync);
        letters.MapDelete("/{entryId}", DeleteAsync);
    }

    private static async Task<IResult> ListAsync(Caller caller, DeadLetters letters, string? after, int? limit, CancellationToken ct)
    {
        if (Page.Read(after, limit, out var page) is { } refusal)
        {
            return refusal;
        }

        var (shown, next) = page.Cut(await letters.ListAsync(caller.IsAdmin ? null : caller.UserId, page.Below, page.Asked, ct), letter => letter.Id);
        return TypedResults.Json(new DeadLettersBody([.. shown.Select(letter => DeadLetterBody.Of(letter, whole: false))], next), JobBodyJson.Default.DeadLettersBody);
    }

    private static async Task<IResult> GetAsync(string entryId, Caller caller, DeadLetters letters, CancellationToken ct) =>
        await FindAsync(entryId, caller, letters, ct) is { } letter
            ? TypedResults.Json(DeadLetterBody.Of(letter, whole: true), JobBodyJson.Default.DeadLetterBody)
            : Problems.UnknownDeadLetter.ToResult();

    /// <summary>All failed tasks of the job run again with fresh attempts; what was finished stays done.</summary>
    private static async Task<IResult> RetryAsync(string entryId, Caller caller, DeadLetters letters, CancellationToken ct) =>
        await FindAsync(entryId, caller, letters, ct) is { } letter && await letters.ReplayAsync(letter.Id, ct) == MoveOutcome.Moved
            ? TypedResults.Json(new MessageBody("Job queued again"), JobBodyJson.Default.MessageBody)
            : Problems.UnknownDeadLetter.ToResult(); // a second call finds what the first has taken

    private static async Task<IResult> DeleteAsync(string entryId, Caller caller, DeadLetters letters, CancellationToken ct) =>
        await FindAsync(entryId, caller, letters, ct) is { } letter && await letters.DeleteAsync(letter.Id, ct) ? TypedResults.NoContent() : Problems.UnknownDeadLetter.ToResult();

    private static async Task<DeadLetter?> FindAsync(string entryId, Caller caller, DeadLetters letters, CancellationToken ct) =>
        Guid.TryParseExact(entryId, "D", out var id) && await letters.FindAsync(id, ct) is { } letter && caller.MayUse(letter.OwnerId) ? letter : null;
}
