using System.Security.Claims;
using System.Text.Encodings.Web;
using Lifecycle.Contracts;
using Lifecycle.Store.Accounts;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using VideoPlatform.ServiceDefaults;

namespace VideoPlatform.Accounts;

/// <summary>
/// Who a request comes from: <c>Authorization: Bearer</c> with a login's token, or <c>X-API-Key</c>. The account is read at
/// every request, so that a removed account or a revoked key ends at once on every replica.
/// </summary>
public sealed class AccountAuthentication(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory loggers, UrlEncoder encoder, Credentials credentials, UserStore users, ApiKeyStore keys)
    : AuthenticationHandler<AuthenticationSchemeOptions>(options, loggers, encoder)
{
    public const string Name = "account";

    private const string Bearer = "Bearer ";

    /// <summary>A routes' default: any account.</summary>
    public static AuthorizationPolicy AnyAccount { get; } = new AuthorizationPolicyBuilder(Name).RequireAuthenticatedUser().Build();

    /// <summary>403 for other accounts: what an admin sees is no secret, only not theirs.</summary>
    public static AuthorizationPolicy AdminOnly { get; } = new AuthorizationPolicyBuilder(Name).RequireAuthenticatedUser().RequireRole(nameof(Role.Admin)).Build();

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var (authorization, apiKey) = (Request.Headers.Authorization.ToString(), Request.Headers["X-API-Key"].ToString());
        if (authorization.Length == 0 && apiKey.Length == 0)
        {
            return AuthenticateResult.NoResult();
        }

        var user = authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? await OfTokenAsync(authorization[Bearer.Length..].Trim())
            : apiKey.Length > 0 ? await OfApiKeyAsync(apiKey)
            : null;
        if (user is null)
        {
            return AuthenticateResult.Fail("The credential is not valid.");
        }

        ClaimsIdentity identity = new([new(ClaimTypes.NameIdentifier, user.Id.ToString()), new(ClaimTypes.Role, user.Role.ToString()), new(Caller.TierClaim, user.Tier)], Name);
        return AuthenticateResult.Success(new(new ClaimsPrincipal(identity), Name));
    }

    protected override Task HandleChallengeAsync(AuthenticationProperties properties) => Problems.Unauthorized.ToResult().ExecuteAsync(Context);

    protected override Task HandleForbiddenAsync(AuthenticationProperties properties) => Problems.Forbidden.ToResult().ExecuteAsync(Context);

    private async Task<User?> OfTokenAsync(string token) =>
        credentials.Read(token) is { } claims && Guid.TryParse(claims.Sub, out var id) ? await users.FindAsync(id, Context.RequestAborted) : null;

    private async Task<User?> OfApiKeyAsync(string key)
    {
        if (credentials.ReadDefaultApiKey(key) is var (id, version))
        {
            return await users.FindAsync(id, Context.RequestAborted) is { } user && user.ApiKeyVersion == version ? user : null;
        }

        return await keys.FindUserAsync(Credentials.HashOf(key), Context.RequestAborted);
    }
}

public static class AccountAuthenticationServices
{
    /// <summary>Knows callers by their tokens and keys. Routes are open unless they require authorization.</summary>
    public static IServiceCollection AddAccountAuthentication(this IServiceCollection services)
    {
        services.AddOptions<AccountOptions>().BindConfiguration(AccountOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<AccountOptions>, AccountOptionsValidator>();
        services.AddSingleton<UserStore>();
        services.AddSingleton<ApiKeyStore>();
        services.AddSingleton<Credentials>();
        services.AddAuthentication(AccountAuthentication.Name).AddScheme<AuthenticationSchemeOptions, AccountAuthentication>(AccountAuthentication.Name, null);
        services.AddAuthorizationBuilder().SetDefaultPolicy(AccountAuthentication.AnyAccount);
        return services;
    }
}

/// <summary>The account behind a request.</summary>
/// <param name="IsAdmin">May see and change what others own.</param>
/// <param name="Tier">Names the account's rate limits.</param>
public sealed record Caller(Guid UserId, bool IsAdmin, string Tier = User.DefaultTier)
{
    public const string TierClaim = "tier";

    /// <summary>Somebody who means to be known and is not: a route that is open to all would take the request for a stranger's.</summary>
    public static bool IsRefused(HttpRequest request, Caller? caller) => caller is null && (request.Headers.Authorization.Count > 0 || request.Headers.ContainsKey("X-API-Key"));

    /// <param name="ownerId">Null: of nobody, which only an admin may use here.</param>
    public bool MayUse(Guid? ownerId) => IsAdmin || ownerId == UserId;

    /// <summary>Routes take it as a parameter.</summary>
    public static ValueTask<Caller?> BindAsync(HttpContext context) => ValueTask.FromResult(Of(context.User));

    /// <returns>Null where nobody is signed in.</returns>
    public static Caller? Of(ClaimsPrincipal principal) => Guid.TryParse(principal.FindFirstValue(ClaimTypes.NameIdentifier), out var id)
        ? new(id, principal.IsInRole(nameof(Role.Admin)), principal.FindFirstValue(TierClaim) ?? User.DefaultTier)
        : null;
}
