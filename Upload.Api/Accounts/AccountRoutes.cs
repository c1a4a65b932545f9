using System.Net.Mail;
using System.Text.Json.Serialization;
using Lifecycle.Contracts;
using Lifecycle.Store.Accounts;
using Lifecycle.Store.Limiting;
using Microsoft.AspNetCore.Identity;
using Upload.Api.Limiting;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Accounts;

public sealed record AccountRequest(string? Email, string? Password);

public sealed record RegisteredBody(Guid Id, string Email, string ApiKey);

/// <param name="Quota">Videos a day; 0: no quota.</param>
/// <param name="UsedQuota">Videos of this day.</param>
public sealed record LoginBody(string Token, Guid UserId, string Email, string ApiKey, int Quota, long UsedQuota);

public sealed record PasswordRequest(string? OldPassword, string? NewPassword);

public sealed record ApiKeyRequest(string? Name);

/// <param name="Key">Only in the answer that made it.</param>
public sealed record ApiKeyBody(Guid Id, string Name, string Shown, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt, string? Key = null)
{
    public static ApiKeyBody Of(ApiKey key, string? secret = null) => new(key.Id, key.Name, key.Shown, key.CreatedAt, key.LastUsedAt, secret);
}

public sealed record ApiKeysBody(IReadOnlyList<ApiKeyBody> ApiKeys);

public sealed record DefaultApiKeyBody(string ApiKey);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AccountRequest))]
[JsonSerializable(typeof(RegisteredBody))]
[JsonSerializable(typeof(LoginBody))]
[JsonSerializable(typeof(PasswordRequest))]
[JsonSerializable(typeof(ApiKeyRequest))]
[JsonSerializable(typeof(ApiKeyBody))]
[JsonSerializable(typeof(ApiKeysBody))]
[JsonSerializable(typeof(DefaultApiKeyBody))]
internal sealed partial class AccountJson : JsonSerializerContext;

/// <summary><c>/api/v1/auth</c> and <c>/api/v1/api-keys</c> (seed 004).</summary>
public static class AccountRoutes
{
    private const int ShortestPassword = 8;

    /// <summary>PBKDF2 hashes all of it: a bound for the time that takes.</summary>
    private const int LongestPassword = 256;

    /// <summary>RFC 5321: a path of 256 characters less its brackets.</summary>
    private const int LongestEmail = 254;

    private const int LongestKeyName = 100;

    public static void MapAccounts(this IEndpointRouteBuilder routes)
    {
        var auth = routes.MapGroup("/api/v1/auth");
        auth.MapPost("/register", RegisterAsync).AllowAnonymous();
        auth.MapPost("/login", LoginAsync).AllowAnonymous();
        auth.MapGet("/me", (Caller caller, UserStore users, Quotas quotas, CancellationToken ct) => UserRoutes.ShowAsync(caller.UserId, users, quotas, ct)).RequireAuthorization();
        auth.MapPut("/password", ChangePasswordAsync).RequireAuthorization();

        var keys = routes.MapGroup("/api/v1/api-keys").RequireAuthorization();
        keys.MapPost("/", CreateKeyAsync);
        keys.MapGet("/", ListKeysAsync);
        keys.MapDelete("/{keyId}", RevokeKeyAsync);
        keys.MapPost("/default/rotate", RotateAsync);
        routes.MapUsers();
    }

    private static async Task<IResult> RegisterAsync(AccountRequest request, UserStore users, IPasswordHasher<User> hasher, Credentials credentials, CancellationToken ct)
    {
        if (request.Email is not { Length: > 0 and <= LongestEmail } email || !email.IsText() || !MailAddress.TryCreate(email, out var parsed) || parsed.Address != email)
        {
            return Problems.InvalidField.ToResult($"email is an address like name@example.com, at most {LongestEmail} characters.");
        }

        if (request.Password is not { Length: >= ShortestPassword and <= LongestPassword } password)
        {
            return Problems.InvalidField.ToResult($"password has {ShortestPassword} to {LongestPassword} characters.");
        }

        return await users.CreateAsync(email, hasher.HashPassword(null!, password), Role.User, ct) is { } user
            ? TypedResults.Json(new RegisteredBody(user.Id, user.Email, credentials.DefaultApiKeyOf(user)), AccountJson.Default.RegisteredBody, statusCode: StatusCodes.Status201Created)
            : Problems.EmailTaken.ToResult();
    }

    /// <summary>One answer, after one time, for a wrong password and an unknown address.</summary>
    private static async Task<IResult> LoginAsync(
        AccountRequest request, HttpResponse response, UserStore users, IPasswordHasher<User> hasher, Credentials credentials, AbsentUser absent, LoginGuard guard, Quotas quotas, CancellationToken ct)
    {
        if (request is not { Email: { Length: > 0 and <= LongestEmail } email, Password: { Length: > 0 and <= LongestPassword } password } || !email.IsText())
        {
            return Problems.InvalidField.ToResult("email and password are needed.");
        }

        var user = await users.FindAsync(email, ct);
        var attempt = await guard.BeginAsync(email, user, ct);
        if (!attempt.Decision.Admitted)
        {
            response.Show(attempt.Decision);
            return attempt.Decision.ToRefusal();
        }

        var verified = hasher.VerifyHashedPassword(null!, user?.PasswordHash ?? absent.PasswordHash, password);
        if (user is null || verified == PasswordVerificationResult.Failed)
        {
            return Problems.WrongLogin.ToResult();
        }

        await guard.SucceededAsync(attempt, ct);
        var use = await quotas.UseAsync(user.Id, ct);
        return TypedResults.Json(new LoginBody(credentials.TokenFor(user), user.Id, user.Email, credentials.DefaultApiKeyOf(user), use?.Limit ?? 0, use?.Used ?? 0), AccountJson.Default.LoginBody);
    }

    /// <summary>Tokens and keys that are out stay valid: a token for its time, keys until they are revoked.</summary>
    private static async Task<IResult> ChangePasswordAsync(
        Caller caller, PasswordRequest request, HttpResponse response, UserStore users, IPasswordHasher<User> hasher, LoginGuard guard, CancellationToken ct)
    {
        if (request is not { OldPassword: { Length: > 0 and <= LongestPassword } old, NewPassword: { Length: >= ShortestPassword and <= LongestPassword } password })
        {
            return Problems.InvalidField.ToResult($"old_password and new_password are needed; the new one has {ShortestPassword} to {LongestPassword} characters.");
        }

        if (await users.FindAsync(caller.UserId, ct) is not { } user)
        {
            return Problems.Unauthorized.ToResult();
        }

        var attempt = await guard.BeginAsync(user.Email, user, ct);
        if (!attempt.Decision.Admitted)
        {
            response.Show(attempt.Decision);
            return attempt.Decision.ToRefusal();
        }

        if (hasher.VerifyHashedPassword(user, user.PasswordHash, old) == PasswordVerificationResult.Failed
            || !await users.ChangePasswordAsync(user.Id, user.PasswordHash, hasher.HashPassword(user, password), ct))
        {
            return Problems.WrongLogin.ToResult();
        }

        await guard.SucceededAsync(attempt, ct);
        return TypedResults.NoContent();
    }

    private static async Task<IResult> CreateKeyAsync(Caller caller, ApiKeyRequest request, ApiKeyStore keys, CancellationToken ct)
    {
        if (request.Name is not { Length: > 0 and <= LongestKeyName } name || !name.IsText())
        {
            return Problems.InvalidField.ToResult($"name has 1 to {LongestKeyName} characters.");
        }

        var (secret, hash, shown) = Credentials.NewApiKey();
        return await keys.CreateAsync(caller.UserId, name, hash, shown, ct) is { } key
            ? TypedResults.Json(ApiKeyBody.Of(key, secret), AccountJson.Default.ApiKeyBody, statusCode: StatusCodes.Status201Created)
            : Problems.TooManyKeys.ToResult($"An account has at most {ApiKeyStore.MostPerUser} keys. Revoke one first.");
    }

    private static async Task<IResult> ListKeysAsync(Caller caller, ApiKeyStore keys, CancellationToken ct) =>
        TypedResults.Json(new ApiKeysBody([.. (await keys.ListAsync(caller.UserId, ct)).Select(key => ApiKeyBody.Of(key))]), AccountJson.Default.ApiKeysBody);

    private static async Task<IResult> RevokeKeyAsync(Caller caller, string keyId, ApiKeyStore keys, CancellationToken ct) =>
        Guid.TryParseExact(keyId, "D", out var id) && await keys.RevokeAsync(caller.UserId, id, ct) ? TypedResults.NoContent() : Problems.UnknownApiKey.ToResult();

    private static async Task<IResult> RotateAsync(Caller caller, UserStore users, Credentials credentials, CancellationToken ct) =>
        await users.RotateApiKeyAsync(caller.UserId, ct) is { } user
            ? TypedResults.Json(new DefaultApiKeyBody(credentials.DefaultApiKeyOf(user)), AccountJson.Default.DefaultApiKeyBody)
            : Problems.Unauthorized.ToResult();
}
