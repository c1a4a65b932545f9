using System.Text.Json.Serialization;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Store;
using Lifecycle.Store.Monitoring;
using Microsoft.Extensions.Options;
using Upload.Api.Accounts;

namespace Upload.Api.Monitoring;

/// <summary>Seed 004's figures; the averages are those of the last 24 h, 0 where there is nothing to average.</summary>
public sealed record MetricsBody(
    long QueueDepth, long DlqDepth, long ActiveJobs, long TotalJobs, long CompletedJobs, long FailedJobs, long CancelledJobs, double AverageWaitTimeSeconds, double AverageProcessTimeSeconds,
    long WorkerCount, long HealthyWorkers, DateTimeOffset LastUpdated)
{
    public static MetricsBody Of(Figures figures) => new(
        figures.In(JobState.Queued), figures.DeadLetters, figures.In(JobState.Processing), figures.Jobs.Values.Sum(), figures.In(JobState.Completed), figures.In(JobState.Failed),
        figures.In(JobState.Cancelled), figures.AverageWaitSeconds, figures.AverageProcessSeconds, figures.Workers, figures.HealthyWorkers, figures.At);
}

/// <param name="Status">healthy or unhealthy.</param>
/// <param name="CurrentJob">Absent where it works on nothing, or on a video that is not the caller's.</param>
/// <param name="ProcessedJobs">Jobs that it finished.</param>
public sealed record WorkerBody(string WorkerId, string Status, DateTimeOffset LastHeartbeat, Guid? CurrentJob, long ProcessedJobs);

public sealed record WorkersBody(IReadOnlyList<WorkerBody> Workers);

/// <param name="Status">healthy, warning or critical.</param>
public sealed record SystemHealthBody(string Status, IReadOnlyList<Alert> Alerts);

public sealed record QueueBody(long QueueDepth, long DlqDepth);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MetricsBody))]
[JsonSerializable(typeof(WorkersBody))]
[JsonSerializable(typeof(SystemHealthBody))]
[JsonSerializable(typeof(QueueBody))]
internal sealed partial class MonitoringJson : JsonSerializerContext;

/// <summary><c>/health</c> for the gateway, and seed 004's monitoring for every account.</summary>
public static class MonitoringRoutes
{
    public static IServiceCollection AddMonitoring(this IServiceCollection services)
    {
        services.AddOptions<MonitoringOptions>().BindConfiguration(MonitoringOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<MonitoringOptions>, MonitoringOptionsValidator>();
        services.AddSingleton<PlatformSampler>();
        services.AddDuty<PlatformSampler>("metrics-sampler", provider => TimeSpan.FromSeconds(OptionsOf(provider).MetricsInterval), (sampler, ct) => sampler.ReadFiguresAsync(ct));
        services.AddDuty<PlatformSampler>("health-check", provider => TimeSpan.FromSeconds(OptionsOf(provider).HealthCheckInterval), (sampler, ct) => sampler.ReadHealthAsync(ct));
        services.AddSingleton<HealthMonitor>();
        return services.AddHostedService(provider => provider.GetRequiredService<HealthMonitor>());
    }

    public static void MapMonitoring(this IEndpointRouteBuilder routes)
    {
        routes.MapHealth();
        var monitoring = routes.MapGroup("/api/v1").RequireAuthorization();
        monitoring.MapGet("/metrics", async (PlatformSampler sampler, CancellationToken ct) => TypedResults.Json(MetricsBody.Of(await sampler.FiguresAsync(ct)), MonitoringJson.Default.MetricsBody));
        monitoring.MapGet("/workers/health", WorkersAsync);
        monitoring.MapGet("/system/health", SystemAsync);
        monitoring.MapGet("/queue/stats", QueueAsync);
    }

    private static async Task<IResult> WorkersAsync(Caller caller, PlatformSampler sampler, CancellationToken ct)
    {
        var workers = (await sampler.HealthAsync(ct)).Workers.Select(worker => new WorkerBody(
            worker.Id, worker.IsHealthy ? "healthy" : "unhealthy", worker.LastSeen, caller.MayUse(worker.OwnerId) ? worker.JobId : null, worker.ProcessedJobs));
        return TypedResults.Json(new WorkersBody([.. workers]), MonitoringJson.Default.WorkersBody);
    }

    private static async Task<IResult> SystemAsync(PlatformSampler sampler, CancellationToken ct)
    {
        var alerts = (await sampler.HealthAsync(ct)).Alerts;
        return TypedResults.Json(new SystemHealthBody(SystemHealth.StatusOf(alerts), alerts), MonitoringJson.Default.SystemHealthBody);
    }

    private static async Task<IResult> QueueAsync(PlatformSampler sampler, CancellationToken ct)
    {
        var figures = await sampler.FiguresAsync(ct);
        return TypedResults.Json(new QueueBody(figures.In(JobState.Queued), figures.DeadLetters), MonitoringJson.Default.QueueBody);
    }

    private static MonitoringOptions OptionsOf(IServiceProvider provider) => provider.GetRequiredService<IOptions<MonitoringOptions>>().Value;
}
