using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Upload.Api.Webhooks;

/// <summary>What a replica measures of the deliveries that it sends.</summary>
public sealed class WebhookMetrics
{
    public const string Name = "VideoPlatform.Webhooks";

    public static readonly ActivitySource Source = new(Name);

    private readonly Counter<long> _attempts;
    private readonly Histogram<double> _latency;
    private readonly Counter<long> _disabled;

    public WebhookMetrics(IMeterFactory factory)
    {
        var meter = factory.Create(Name);
        _attempts = meter.CreateCounter<long>("webhooks.attempts", "{attempt}", "Attempts to deliver, by outcome: accepted, refused (sent again later), exhausted, receivergone.");
        _latency = meter.CreateHistogram<double>("webhooks.attempt.duration", "ms", "From the look-up of the receiver's name to its answer, by outcome.");
        _disabled = meter.CreateCounter<long>("webhooks.disabled", "{webhook}", "Webhooks that were switched off after lasting failure or 410.");
    }

    public void Attempted(string outcome, double milliseconds)
    {
        KeyValuePair<string, object?> tag = new("outcome", outcome);
        _attempts.Add(1, tag);
        _latency.Record(milliseconds, tag);
    }

    public void Disabled() => _disabled.Add(1);
}
