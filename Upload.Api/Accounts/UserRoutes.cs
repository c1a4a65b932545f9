using System.Text.Json;
using System.Text.Json.Serialization;
using Lifecycle.Contracts;
using Lifecycle.Store.Accounts;
using Lifecycle.Store.Limiting;
using Upload.Api.Limiting;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Accounts;

/// <summary>An account as itself and an admin see it.</summary>
/// <param name="DailyQuota">Its own quota, absent where it has the default one.</param>
/// <param name="Quota">Videos a day; 0: no quota. Absent in lists, as the next two.</param>
/// <param name="UsedQuota">Videos of this day.</param>
/// <param name="QuotaResetsAt">When the next day begins.</param>
public sealed record UserBody(Guid Id, string Email, string Role, string Tier, int? DailyQuota, DateTimeOffset CreatedAt, int? Quota, long? UsedQuota, DateTimeOffset? QuotaResetsAt)
{
    public static UserBody Of(User user, QuotaUse? use = null) => new(
        user.Id, user.Email, UserRoutes.NameOf(user.Role), user.Tier, user.DailyQuota, user.CreatedAt, use?.Limit, use?.Used, use?.ResetsAt);
}

/// <param name="Next">Where the next page begins; absent on the last.</param>
public sealed record UsersBody(IReadOnlyList<UserBody> Users, string? Next);

/// <summary>What is absent stays as it is.</summary>
/// <param name="DailyQuota">A number, or null for the default quota: unlike the others it may be null on purpose.</param>
public sealed record UserChangeRequest(string? Role, string? Tier, JsonElement DailyQuota);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(UserBody))]
[JsonSerializable(typeof(UsersBody))]
[JsonSerializable(typeof(UserChangeRequest))]
internal sealed partial class UserJson : JsonSerializerContext;

/// <summary><c>/api/v1/users</c>: the accounts, for admins.</summary>
public static class UserRoutes
{
    public static void MapUsers(this IEndpointRouteBuilder routes)
    {
        var users = routes.MapGroup("/api/v1/users").RequireAuthorization(AccountAuthentication.AdminOnly);
        users.MapGet("/", ListAsync);
        users.MapGet("/{userId}", GetAsync);
        users.MapPatch("/{userId}", ChangeAsync);
    }

    internal static string NameOf(Role role) => role == Role.Admin ? "admin" : "user";

    private static async Task<IResult> ListAsync(UserStore users, string? after, int? limit, CancellationToken ct)
    {
        if (Page.Read(after, limit, out var page) is { } refusal)
        {
            return refusal;
        }

        var (shown, next) = page.Cut(await users.ListAsync(page.Below, page.Asked, ct), user => user.Id);
        return TypedResults.Json(new UsersBody([.. shown.Select(user => UserBody.Of(user))], next), UserJson.Default.UsersBody);
    }

    private static async Task<IResult> GetAsync(string userId, UserStore users, Quotas quotas, CancellationToken ct) =>
        Guid.TryParseExact(userId, "D", out var id) ? await ShowAsync(id, users, quotas, ct) : Problems.UnknownUser.ToResult();

    private static async Task<IResult> ChangeAsync(string userId, Caller caller, UserChangeRequest request, UserStore users, Quotas quotas, RateLimits limits, CancellationToken ct)
    {
        if (!Guid.TryParseExact(userId, "D", out var id))
        {
            return Problems.UnknownUser.ToResult();
        }

        if (request.Role is not (null or "user" or "admin"))
        {
            return Problems.InvalidField.ToResult("role is user or admin.");
        }

        if (request.Tier is { } tier && !limits.Tiers.Contains(tier))
        {
            return Problems.InvalidField.ToResult($"tier is one of {string.Join(", ", limits.Tiers.Order(StringComparer.Ordinal))}.");
        }

        int? quota = null;
        if (request.DailyQuota.ValueKind is not (JsonValueKind.Undefined or JsonValueKind.Null))
        {
            if (request.DailyQuota.ValueKind != JsonValueKind.Number || !request.DailyQuota.TryGetInt32(out var videos) || videos < 0)
            {
                return Problems.InvalidField.ToResult("daily_quota is a number of videos, 0 for no quota, null for the default one.");
            }

            quota = videos;
        }

        Role? role = request.Role is null ? null : request.Role == "admin" ? Role.Admin : Role.User;
        UserChange change = new(role, request.Tier, request.DailyQuota.ValueKind != JsonValueKind.Undefined, quota);
        return await users.ChangeAsync(caller.UserId, id, change, ct) switch
        {
            UserChangeOutcome.Changed => await ShowAsync(id, users, quotas, ct),
            UserChangeOutcome.NotAllowed => Problems.Forbidden.ToResult("Another admin has to take an admin's role away."),
            _ => Problems.UnknownUser.ToResult(),
        };
    }

    internal static async Task<IResult> ShowAsync(Guid id, UserStore users, Quotas quotas, CancellationToken ct) =>
        await users.FindAsync(id, ct) is { } user ? TypedResults.Json(UserBody.Of(user, await quotas.UseAsync(id, ct)), UserJson.Default.UserBody) : Problems.UnknownUser.ToResult();
}
