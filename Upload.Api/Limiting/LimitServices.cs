using Lifecycle.Store;
using Lifecycle.Store.Limiting;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.Extensions.Options;

namespace Upload.Api.Limiting;

public static class LimitServices
{
    private static readonly TimeSpan _forgetEvery = TimeSpan.FromMinutes(1);

    public static IServiceCollection AddLimits(this IServiceCollection services)
    {
        services.AddOptions<RateLimitOptions>().BindConfiguration(RateLimitOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<RateLimitOptions>, RateLimitOptionsValidator>();
        services.AddOptions<QuotaOptions>().BindConfiguration(QuotaOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<QuotaOptions>, QuotaOptionsValidator>();
        services.AddSingleton(provider =>
        {
            var quota = provider.GetRequiredService<IOptions<QuotaOptions>>().Value;
            return new QuotaPolicy(quota.DefaultDailyLimit, quota.ResetHour);
        });
        services.AddSingleton<RateLimits>();
        services.AddSingleton<LoginGuard>();
        services.AddSingleton<LimitMetrics>();
        // First: the handler of what nobody expected takes everything.
        services.Insert(0, ServiceDescriptor.Singleton<IExceptionHandler, QuotaRefusals>());
        return services.AddDuty<RateBuckets>("bucket-sweeper", _forgetEvery, (buckets, ct) => buckets.ForgetFullAsync(ct));
    }

    /// <summary>Between authentication, which says whose bucket it is, and authorization.</summary>
    public static IApplicationBuilder UseRateLimits(this IApplicationBuilder app) => app.UseMiddleware<RateLimiting>();
}
