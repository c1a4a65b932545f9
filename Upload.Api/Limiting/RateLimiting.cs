using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lifecycle.Contracts;
using Lifecycle.Store.Limiting;
using Microsoft.AspNetCore.Authorization;
using Upload.Api.Accounts;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Limiting;

/// <summary>
/// Counts every request to <c>/api/v1</c> and <c>/files</c>, whether or not a route answers it: an account's in its own bucket, what
/// comes without one, and logins, in the client address's. Behind authentication, before authorization. Not counted: an account's
/// requests to the data plane, and what seed 000 has.
/// </summary>
internal sealed class RateLimiting(RequestDelegate next, RateBuckets buckets, RateLimits limits, LimitMetrics metrics)
{
    private static readonly PathString[] _counted = ["/api/v1", "/files"];

    public async Task InvokeAsync(HttpContext context)
    {
        if (!_counted.Any(path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase)))
        {
            await next(context);
            return;
        }

        var endpoint = context.GetEndpoint();
        // A login counts for its address even where the client sends a credential with it: accounts cost nothing.
        var caller = endpoint?.Metadata.GetMetadata<IAllowAnonymous>() is null ? Caller.Of(context.User) : null;
        if (caller is not null && endpoint?.Metadata.GetMetadata<DataPlaneAttribute>() is not null)
        {
            await next(context);
            return;
        }

        var decision = caller is null
            ? await buckets.TakeAsync(KeyOf(context.Connection.RemoteIpAddress), limits.Address, context.RequestAborted)
            : await buckets.TakeAsync($"user {caller.UserId}", limits.OfTier(caller.Tier), context.RequestAborted);
        context.Response.Show(decision);
        if (decision.Admitted)
        {
            await next(context);
            return;
        }

        metrics.Refused(decision.Limit.Policy);
        await decision.ToRefusal().ExecuteAsync(context);
    }

    /// <summary>An IPv6 client has at least a /64 to itself (RFC 6177): its addresses are one.</summary>
    internal static string KeyOf(IPAddress? address)
    {
        if (address is { IsIPv4MappedToIPv6: true })
        {
            address = address.MapToIPv4();
        }

        return address is { AddressFamily: AddressFamily.InterNetworkV6 }
            ? $"address {Convert.ToHexStringLower(address.GetAddressBytes().AsSpan(0, 8))}/64"
            : $"address {address}";
    }
}

internal static class RateLimitAnswers
{
    /// <summary>RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-10) on whatever answer it becomes, errors included.</summary>
    public static void Show(this HttpResponse response, RateDecision decision) => response.OnStarting(static state =>
    {
        var (headers, decision) = ((IHeaderDictionary, RateDecision))state;
        var limit = decision.Limit;
        headers.Append("RateLimit-Policy", string.Create(CultureInfo.InvariantCulture, $"\"{limit.Policy}\";q={limit.Burst};w={Math.Max(1, Math.Ceiling(limit.Window.TotalSeconds))}"));
        headers.Append("RateLimit", string.Create(CultureInfo.InvariantCulture, $"\"{limit.Policy}\";r={decision.Remaining};t={decision.FullAfterSeconds}"));
        return Task.CompletedTask;
    }, (response.Headers, decision));

    public static ProblemResult ToRefusal(this RateDecision decision) => Problems.TooManyRequests.ToResult(
        string.Create(CultureInfo.InvariantCulture, $"At most {decision.Limit.Burst} at once and {decision.Limit.PerSecond:0.###} a second (policy {decision.Limit.Policy})."), decision.RetryAfterSeconds);
}
