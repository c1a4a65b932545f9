using System.ComponentModel.DataAnnotations;
using Lifecycle.Store.Webhooks;
using Microsoft.Extensions.Options;

namespace Upload.Api.Webhooks;

/// <summary>Section <c>webhooks</c>, with the names of seed 004.</summary>
public sealed class WebhookOptions
{
    public const string Section = "webhooks";

    private static readonly double[] _usualDelays = [60, 300, 900, 3600, 4 * 3600, 12 * 3600];

    /// <summary>From the look-up of the receiver's name to its answer, in seconds.</summary>
    [ConfigurationKeyName("timeout"), Range(0.1, 300, ErrorMessage = "webhooks:timeout must lie between 0.1 and 300 seconds.")]
    public double TimeoutSeconds { get; set; } = 30;

    /// <summary>Attempts after the first.</summary>
    [Range(0, 100, ErrorMessage = "webhooks:maxRetries must lie between 0 and 100.")]
    public int MaxRetries { get; set; } = 6;

    /// <summary>Before the first to last retry, in seconds; the last one stands for those that have none. Empty: seed 004's 1 min, 5 min, 15 min, 1 h, 4 h, 12 h.</summary>
    [Delays(ErrorMessage = "webhooks:retryDelaysSeconds must each lie between 0 and 604800 (a week).")]
    public IList<double> RetryDelaysSeconds { get; } = [];

    /// <summary>Deliveries that one replica sends at a time.</summary>
    [Range(1, 1024, ErrorMessage = "webhooks:maxConcurrent must lie between 1 and 1024.")]
    public int MaxConcurrent { get; set; } = 32;

    /// <summary>Of them to one webhook, so that a slow receiver does not keep the others waiting.</summary>
    [Range(1, 1024, ErrorMessage = "webhooks:maxConcurrentPerWebhook must lie between 1 and 1024.")]
    public int MaxConcurrentPerWebhook { get; set; } = 2;

    /// <summary>Sends to loopback, private and link-local addresses too. For development and closed networks.</summary>
    public bool AllowPrivateTargets { get; set; }

    /// <summary>Host names whose addresses are not checked, as they stand in the webhooks' urls.</summary>
    public IList<string> AllowedHosts { get; } = [];

    /// <summary>Between two reports of one job's progress, in seconds.</summary>
    [Range(0.1, 3600, ErrorMessage = "webhooks:progressSeconds must lie between 0.1 and 3600.")]
    public double ProgressSeconds { get; set; } = 10;

    /// <summary>How long a delivery that has ended is kept, in days.</summary>
    [Range(1, 3650, ErrorMessage = "webhooks:keepDays must lie between 1 and 3650.")]
    public int KeepDays { get; set; } = 30;

    /// <summary>Deliveries in a row that fail for good before a webhook is switched off.</summary>
    [Range(1, 10_000, ErrorMessage = "webhooks:disableAfterFailures must lie between 1 and 10000.")]
    public int DisableAfterFailures { get; set; } = 5;

    /// <summary>Days without any success after which one such delivery does it.</summary>
    [Range(0.01, 365, ErrorMessage = "webhooks:disableAfterDays must lie between 0.01 and 365.")]
    public double DisableAfterDays { get; set; } = 3;

    /// <summary>Not public: the binder would take it for the setting.</summary>
    internal TimeSpan Timeout => TimeSpan.FromSeconds(TimeoutSeconds);

    internal DisablePolicy DisablePolicy => new(DisableAfterFailures, TimeSpan.FromDays(DisableAfterDays));

    /// <summary>Before the next attempt, or null when <paramref name="attempt"/> (1 for the first) was the last one.</summary>
    internal TimeSpan? DelayAfter(int attempt)
    {
        IList<double> delays = RetryDelaysSeconds is { Count: > 0 } own ? own : _usualDelays;
        return attempt > MaxRetries ? null : TimeSpan.FromSeconds(delays[Math.Min(attempt, delays.Count) - 1]);
    }
}

[OptionsValidator]
internal sealed partial class WebhookOptionsValidator : IValidateOptions<WebhookOptions>;

/// <summary>Seconds, each up to a week.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class DelaysAttribute : ValidationAttribute
{
    private const double MostSeconds = 7 * 24 * 3600;

    public override bool IsValid(object? value) => value is IEnumerable<double> delays && delays.All(seconds => seconds is >= 0 and <= MostSeconds);
}
