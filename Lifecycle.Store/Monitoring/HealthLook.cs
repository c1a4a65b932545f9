using Lifecycle.Store.Workers;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace Lifecycle.Store.Monitoring;

/// <summary>What a state may be in an answer to <c>GET /health</c>.</summary>
public static class PartState
{
    public const string Ok = "ok";

    /// <summary>It is away, and the platform takes what is sent to it all the same.</summary>
    public const string Degraded = "degraded";

    public const string Down = "down";
}

/// <summary>Looks at every part in the background, so that a health request costs nothing and never hangs on a part that does.</summary>
/// <typeparam name="TBody">What a service answers.</typeparam>
public abstract class HealthLook<TBody>(HealthCheckService checks, WorkerRegistry workers, TimeProvider time) : BackgroundService
    where TBody : class
{
    private static readonly TimeSpan _every = TimeSpan.FromSeconds(2);

    private readonly TaskCompletionSource<TBody> _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile TBody? _last;

    /// <summary>Null before the first look has ended.</summary>
    public TBody? Last => _last;

    /// <summary>Waits for the first look.</summary>
    public async Task<TBody> LastAsync(CancellationToken ct) => _last ?? await _first.Task.WaitAsync(ct);

    protected TimeProvider Time { get; } = time;

    protected abstract Task<TBody> LookAsync(CancellationToken ct);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_every, Time);
        do
        {
            _first.TrySetResult(_last = await LookAsync(stoppingToken));
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    /// <summary>Of what the service itself needs before it is ready, by the names of its checks: ok or down.</summary>
    protected async Task<IReadOnlyDictionary<string, string>> NeededAsync(CancellationToken ct)
    {
        var report = await checks.CheckHealthAsync(check => check.Tags.Contains("ready"), ct);
        return report.Entries.ToDictionary(entry => entry.Key, entry => entry.Value.Status == HealthStatus.Healthy ? PartState.Ok : PartState.Down, StringComparer.Ordinal);
    }

    /// <summary>Ok where one of the pool's workers lives; without any, work waits.</summary>
    protected async Task<string> WorkersAsync(CancellationToken ct)
    {
        try
        {
            return (await workers.ListAsync(ct)).Any(worker => worker.Status != "OFFLINE") ? PartState.Ok : PartState.Degraded;
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            return PartState.Degraded; // the database's own line says why
        }
    }
}
