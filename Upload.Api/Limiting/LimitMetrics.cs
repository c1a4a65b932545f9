using System.Diagnostics.Metrics;

namespace Upload.Api.Limiting;

/// <summary>What the limits of this replica refused.</summary>
public sealed class LimitMetrics
{
    private readonly Counter<long> _refused;
    private readonly Counter<long> _quotaRefused;
    private readonly Counter<long> _quotaExceeded;

    public LimitMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(Monitoring.PlatformMeter.Name);
        _refused = meter.CreateCounter<long>("videoplatform.ratelimit.refused", "{request}", "Requests that a token bucket refused, by its policy.");
        _quotaRefused = meter.CreateCounter<long>("videoplatform.quota.refused", "{video}", "Videos that a daily quota refused.");
        _quotaExceeded = meter.CreateCounter<long>("videoplatform.quota.exceeded", "{account}", "Accounts that used up a day's quota: once for an account and a day.");
    }

    public void Refused(string policy) => _refused.Add(1, new KeyValuePair<string, object?>("videoplatform.ratelimit.policy", policy));

    public void QuotaRefused(bool isFirst)
    {
        _quotaRefused.Add(1);
        if (isFirst)
        {
            _quotaExceeded.Add(1);
        }
    }
}
