using System.Diagnostics.Metrics;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store.Monitoring;

namespace Upload.Api.Monitoring;

/// <summary>The sampled figures as gauges. Every replica tells the same ones, of the whole platform: take one, never their sum.</summary>
public static class PlatformMeter
{
    public const string Name = "VideoPlatform.Platform";

    internal static void Register(IMeterFactory factory, PlatformSampler sampler)
    {
        var meter = factory.Create(Name);
        meter.CreateObservableGauge(
            "videoplatform.job.count", () => From(figures => Enum.GetValues<JobState>().Select(state => new Measurement<long>(figures.In(state), Tag("job.state", JobLifecycle.Table.NameOf(state))))),
            "{job}", "Jobs by state.");
        meter.CreateObservableGauge("videoplatform.dead_letter.count", () => From<long>(figures => [new(figures.DeadLetters)]), "{entry}", "Entries of the dead letter queue.");
        meter.CreateObservableGauge(
            "videoplatform.job.wait.time", () => From<double>(figures => [new(figures.AverageWaitSeconds)]), "s", "Average from creation to first start, of the jobs that started in the last 24 h.");
        meter.CreateObservableGauge(
            "videoplatform.job.process.time", () => From<double>(figures => [new(figures.AverageProcessSeconds)]), "s", "Average from start to end, of the jobs completed in the last 24 h.");
        meter.CreateObservableGauge(
            "videoplatform.worker.count",
            () => From<long>(figures => [new(figures.HealthyWorkers, Tag("worker.state", "healthy")), new(figures.Workers - figures.HealthyWorkers, Tag("worker.state", "unhealthy"))]),
            "{worker}", "Known workers by whether they beat.");
        meter.CreateObservableGauge(
            "videoplatform.alert.count",
            () => sampler.LastHealth is { } health
                ? new[] { Alert.Warning, Alert.Critical }.Select(severity => new Measurement<long>(health.Alerts.Count(alert => alert.Severity == severity), Tag("alert.severity", severity)))
                : [],
            "{alert}", "Alerts that stand.");

        // Before the first reading there is nothing to tell.
        IEnumerable<Measurement<T>> From<T>(Func<Figures, IEnumerable<Measurement<T>>> measure)
            where T : struct => sampler.LastFigures is { } figures ? measure(figures) : [];
    }

    private static KeyValuePair<string, object?> Tag(string name, string value) => new($"videoplatform.{name}", value);
}
