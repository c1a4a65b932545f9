using System.Text.Json.Serialization;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Monitoring;

namespace Upload.Api.Monitoring;

/// <param name="Severity">warning or critical.</param>
/// <param name="Code">Names the alert; stable.</param>
/// <param name="Message">For people.</param>
/// <param name="Value">What was found, in the threshold's unit: a number, or percent.</param>
/// <param name="Threshold">What it is compared with.</param>
public sealed record Alert(string Severity, string Code, string Message, double Value, double Threshold)
{
    public const string Warning = "warning";

    public const string Critical = "critical";

    /// <summary>Two alerts of one key are the same alert, whatever its value is by now.</summary>
    [JsonIgnore]
    public (string Severity, string Code) Key => (Severity, Code);
}

/// <summary>The figures held against the thresholds; the one place that says what is wrong when.</summary>
public static class SystemHealth
{
    public const string Healthy = "healthy";

    /// <summary>A rate of fewer jobs says nothing.</summary>
    private const long FewestEnded = 10;

    public static string StatusOf(IReadOnlyList<Alert> alerts) =>
        alerts.Any(alert => alert.Severity == Alert.Critical) ? Alert.Critical : alerts.Count > 0 ? Alert.Warning : Healthy;

    public static IReadOnlyList<Alert> AlertsOf(Figures figures, MonitoringThresholds thresholds)
    {
        List<Alert> alerts = [];
        if (figures.DeadLetters > thresholds.DlqCritical)
        {
            Add(Alert.Critical, "dlq-depth", $"{figures.DeadLetters} entries in the dead letter queue.", figures.DeadLetters, thresholds.DlqCritical);
        }

        if (figures.In(JobState.Queued) is var queued && queued > thresholds.QueueWarning)
        {
            Add(Alert.Warning, "queue-depth", $"{queued} jobs are queued.", queued, thresholds.QueueWarning);
        }

        if (figures.Workers == 0)
        {
            Add(Alert.Critical, "no-workers", "No worker is known.", 0, 1);
        }
        else if (100.0 * figures.HealthyWorkers / figures.Workers is var percent && percent < Math.Max(thresholds.HealthyWorkersCriticalPercent, thresholds.HealthyWorkersWarningPercent))
        {
            var critical = percent < thresholds.HealthyWorkersCriticalPercent;
            Add(critical ? Alert.Critical : Alert.Warning, "unhealthy-workers", $"{figures.HealthyWorkers} of {figures.Workers} workers are healthy.", percent,
                critical ? thresholds.HealthyWorkersCriticalPercent : thresholds.HealthyWorkersWarningPercent);
        }

        if (figures.FailedLately + figures.CompletedLately is var ended and >= FewestEnded && 100.0 * figures.FailedLately / ended is var failed && failed > thresholds.FailureRateWarningPercent)
        {
            Add(Alert.Warning, "failure-rate", $"{figures.FailedLately} of {ended} jobs of the last 24 h failed.", failed, thresholds.FailureRateWarningPercent);
        }

        return alerts;

        void Add(string severity, string code, string message, double value, double threshold) =>
            alerts.Add(new(severity, code, message, value, threshold));
    }
}
