using System.Security.Cryptography;
using System.Text;
using Lifecycle.Store.Accounts;
using Lifecycle.Store.Limiting;

namespace Upload.Api.Limiting;

/// <summary>
/// A bucket per account name for passwords that were wrong, so that they cannot be tried from many addresses. A try takes a token
/// before the password is looked at (else many at once would all be) and gives it back when the password was right. A name without
/// an account has a bucket too: the answers tell no difference.
/// </summary>
internal sealed class LoginGuard(RateBuckets buckets, RateLimits limits, LimitMetrics metrics)
{
    /// <param name="email">As it was sent.</param>
    /// <param name="user">The account that has the address; null: none.</param>
    public async Task<LoginTry> BeginAsync(string email, User? user, CancellationToken ct)
    {
        var key = user is null ? $"login {Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(email.ToLowerInvariant())))}" : $"login {user.Id}";
        var decision = await buckets.TakeAsync(key, limits.Login, ct);
        if (!decision.Admitted)
        {
            metrics.Refused(decision.Limit.Policy);
        }

        return new(key, decision);
    }

    public Task SucceededAsync(LoginTry attempt, CancellationToken ct) => buckets.ReturnAsync(attempt.Key, attempt.Decision.Limit, ct);
}

internal sealed record LoginTry(string Key, RateDecision Decision);
