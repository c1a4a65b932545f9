using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace Upload.Api.Monitoring;

/// <summary>Section <c>monitoring</c>; the names are seed 004's.</summary>
public sealed class MonitoringOptions
{
    public const string Section = "monitoring";

    /// <summary>Seconds between two readings of the figures.</summary>
    [Range(1, 3600, ErrorMessage = "monitoring:metricsInterval must lie between 1 and 3600 seconds.")]
    public int MetricsInterval { get; set; } = 10;

    /// <summary>Seconds between two looks at the workers and the alerts.</summary>
    [Range(1, 3600, ErrorMessage = "monitoring:healthCheckInterval must lie between 1 and 3600 seconds.")]
    public int HealthCheckInterval { get; set; } = 30;

    [ValidateObjectMembers]
    public MonitoringThresholds Thresholds { get; set; } = new();
}

/// <summary>Section <c>monitoring:thresholds</c>: an alert stands beyond its threshold, not at it.</summary>
public sealed class MonitoringThresholds
{
    /// <summary>Entries of the dead letter queue; more are critical.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "monitoring:thresholds:dlqCritical must not be negative.")]
    public long DlqCritical { get; set; } = 100;

    /// <summary>Queued jobs; more are a warning.</summary>
    [Range(0, long.MaxValue, ErrorMessage = "monitoring:thresholds:queueWarning must not be negative.")]
    public long QueueWarning { get; set; } = 1000;

    /// <summary>Share of healthy workers; fewer are critical, and so is no worker at all.</summary>
    [Range(0, 100, ErrorMessage = "monitoring:thresholds:healthyWorkersCriticalPercent must lie between 0 and 100.")]
    public double HealthyWorkersCriticalPercent { get; set; } = 50;

    /// <summary>Share of healthy workers; fewer are a warning.</summary>
    [Range(0, 100, ErrorMessage = "monitoring:thresholds:healthyWorkersWarningPercent must lie between 0 and 100.")]
    public double HealthyWorkersWarningPercent { get; set; } = 80;

    /// <summary>Failed jobs of those that ended in the last 24 h; more are a warning.</summary>
    [Range(0, 100, ErrorMessage = "monitoring:thresholds:failureRateWarningPercent must lie between 0 and 100.")]
    public double FailureRateWarningPercent { get; set; } = 10;
}

[OptionsValidator]
internal sealed partial class MonitoringOptionsValidator : IValidateOptions<MonitoringOptions>;
