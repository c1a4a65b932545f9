using System.Diagnostics.CodeAnalysis;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Webhooks;
using Upload.Api.Accounts;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Webhooks;

/// <summary><c>/api/v1/webhooks</c> (seed 004): an account's own; another's do not exist (404). A secret is never shown again.</summary>
public static class WebhookRoutes
{
    private const int LongestUrl = 2048;

    private const int LongestSecret = 256;

    public static void MapWebhooks(this IEndpointRouteBuilder routes)
    {
        var webhooks = routes.MapGroup("/api/v1/webhooks").RequireAuthorization();
        webhooks.MapPost("/", CreateAsync);
        webhooks.MapGet("/", ListAsync);
        webhooks.MapGet("/{webhookId}", GetAsync);
        webhooks.MapPatch("/{webhookId}", ChangeAsync);
        webhooks.MapPut("/{webhookId}", ReplaceAsync);
        webhooks.MapDelete("/{webhookId}", DeleteAsync);
        webhooks.MapDeliveries();
    }

    /// <summary>The webhook, where it is one of the caller's.</summary>
    internal static async Task<Webhook?> FindAsync(string webhookId, Caller caller, WebhookStore webhooks, CancellationToken ct) =>
        Guid.TryParseExact(webhookId, "D", out var id) && await webhooks.FindAsync(id, ct) is { } webhook && caller.MayUse(webhook.OwnerId) ? webhook : null;

    private static async Task<IResult> CreateAsync(Caller caller, WebhookRequest request, WebhookStore webhooks, WebhookSecrets secrets, CancellationToken ct)
    {
        if (!IsWhole(request, out var url, out var events, out var refusal))
        {
            return refusal;
        }

        var id = Guid.CreateVersion7();
        var secret = request.Secret ?? WebhookSecrets.New();
        if (await webhooks.CreateAsync(id, caller.UserId, url, events, secrets.Encrypt(id, secret), ct) is not { } webhook)
        {
            return Problems.TooManyWebhooks.ToResult($"An account has at most {WebhookStore.MostPerUser} webhooks. Delete one first.");
        }

        if (request.IsActive == false)
        {
            webhook = await webhooks.ChangeAsync(id, new(null, null, null, false), ct) ?? webhook;
        }

        return TypedResults.Json(WebhookBody.Of(webhook, request.Secret is null ? secret : null), WebhookBodies.Default.WebhookBody, statusCode: StatusCodes.Status201Created);
    }

    /// <param name="owner">For admins: another account's.</param>
    private static async Task<IResult> ListAsync(Caller caller, WebhookStore webhooks, string? owner, CancellationToken ct)
    {
        var ownerId = caller.UserId;
        if (owner is not null && (!Guid.TryParseExact(owner, "D", out ownerId) || !caller.MayUse(ownerId)))
        {
            return Problems.UnknownUser.ToResult();
        }

        return TypedResults.Json(new WebhooksBody([.. (await webhooks.ListAsync(ownerId, ct)).Select(webhook => WebhookBody.Of(webhook))]), WebhookBodies.Default.WebhooksBody);
    }

    private static async Task<IResult> GetAsync(string webhookId, Caller caller, WebhookStore webhooks, CancellationToken ct) => Answer(await FindAsync(webhookId, caller, webhooks, ct));

    /// <summary>Changes what the body names, and of the events those that it names.</summary>
    private static async Task<IResult> ChangeAsync(string webhookId, Caller caller, WebhookRequest request, WebhookStore webhooks, WebhookSecrets secrets, CancellationToken ct)
    {
        if (Refusal(request) is { } refusal)
        {
            return refusal;
        }

        return await FindAsync(webhookId, caller, webhooks, ct) is { } webhook
            ? Answer(await webhooks.ChangeAsync(webhook.Id, new(request.Url, request.Events, Encrypted(webhook.Id, request, secrets), request.IsActive), ct))
            : Problems.UnknownWebhook.ToResult();
    }

    /// <summary>Replaces all but an absent secret, which nobody can read to send it again.</summary>
    private static async Task<IResult> ReplaceAsync(string webhookId, Caller caller, WebhookRequest request, WebhookStore webhooks, WebhookSecrets secrets, CancellationToken ct)
    {
        if (!IsWhole(request, out var url, out var events, out var refusal))
        {
            return refusal;
        }

        return await FindAsync(webhookId, caller, webhooks, ct) is { } webhook
            ? Answer(await webhooks.ChangeAsync(webhook.Id, new(url, events, Encrypted(webhook.Id, request, secrets), request.IsActive ?? true), ct))
            : Problems.UnknownWebhook.ToResult();
    }

    private static async Task<IResult> DeleteAsync(string webhookId, Caller caller, WebhookStore webhooks, CancellationToken ct) =>
        await FindAsync(webhookId, caller, webhooks, ct) is { } webhook && await webhooks.DeleteAsync(webhook.Id, ct) ? TypedResults.NoContent() : Problems.UnknownWebhook.ToResult();

    private static IResult Answer(Webhook? webhook) =>
        webhook is null ? Problems.UnknownWebhook.ToResult() : TypedResults.Json(WebhookBody.Of(webhook), WebhookBodies.Default.WebhookBody);

    private static byte[]? Encrypted(Guid webhookId, WebhookRequest request, WebhookSecrets secrets) => request.Secret is { } secret ? secrets.Encrypt(webhookId, secret) : null;

    /// <summary>For a body that must say everything: the events that it does not name are not wanted.</summary>
    private static bool IsWhole(
        WebhookRequest request, [NotNullWhen(true)] out string? url, [NotNullWhen(true)] out IReadOnlyDictionary<string, bool>? events, [NotNullWhen(false)] out ProblemResult? refusal)
    {
        refusal = Refusal(request)
            ?? (request is { Url: not null, Events: not null } ? null : Problems.InvalidField.ToResult("url and events are needed."));
        (url, events) = (request.Url, request.Events is { } named ? WebhookEvents.Keys.ToDictionary(key => key, key => named.GetValueOrDefault(key)) : null);
        return refusal is null;
    }

    private static ProblemResult? Refusal(WebhookRequest request)
    {
        if (request.Url is { } url && !IsTarget(url))
        {
            return Problems.InvalidField.ToResult($"url is an absolute http or https address without user and password, at most {LongestUrl} characters.");
        }

        if (request.Events?.Keys.FirstOrDefault(key => !WebhookEvents.Keys.Contains(key, StringComparer.Ordinal)) is not null)
        {
            return Problems.InvalidField.ToResult($"events may name {string.Join(", ", WebhookEvents.Keys)}, each true or false.");
        }

        return request.Secret is null or { Length: > 0 and <= LongestSecret } ? null : Problems.InvalidField.ToResult($"secret has 1 to {LongestSecret} characters.");
    }

    /// <summary>Where the host leads is seen when it is connected: what a look-up says now holds for now.</summary>
    private static bool IsTarget(string url) =>
        url.Length <= LongestUrl && !url.Any(char.IsControl) && Uri.TryCreate(url, UriKind.Absolute, out var uri)
        && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps) && uri.UserInfo.Length == 0 && uri.Host.Length > 0;
}
