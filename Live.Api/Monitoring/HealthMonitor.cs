using System.Net.Sockets;
using Lifecycle.Contracts.Live;
using Lifecycle.Store;
using Lifecycle.Store.Live;
using Lifecycle.Store.Workers;
using Live.Api.Orchestration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Live.Api.Monitoring;

/// <summary>Looks at every part in the background, so that a health request costs nothing; only the first one waits for the first look.</summary>
internal sealed class HealthMonitor(HealthCheckService checks, WorkerRegistry workers, WakeListener broker, IOptions<StreamOptions> options, TimeProvider time) : BackgroundService
{
    public const string Ok = "ok";
    private const string Degraded = "degraded";
    private const string Down = "down";

    private static readonly TimeSpan _every = TimeSpan.FromSeconds(2);

    /// <summary>An ingest on the same network answers at once, or not at all.</summary>
    private static readonly TimeSpan _connectWithin = TimeSpan.FromSeconds(1);

    private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile HealthBody? _current;

    public async Task<HealthBody> CurrentAsync(CancellationToken ct)
    {
        if (_current is null)
        {
            await _looked.Task.WaitAsync(ct);
        }

        return _current!;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_every, time);
        do
        {
            _current = await LookAsync(stoppingToken);
            _looked.TrySetResult();
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task<HealthBody> LookAsync(CancellationToken ct)
    {
        var report = await checks.CheckHealthAsync(check => check.Tags.Contains("ready"), ct);
        var postgres = Of(report, "videodb");
        List<ServiceState> services =
        [
            Seen("postgres", postgres),
            Seen("broker", broker.IsConnected ? Ok : Degraded), // without it the platform polls
            Seen("storage", Of(report, "storage")),
        ];
        if (options.Value.InnerIngestUrl is { Length: > 0 } ingest)
        {
            services.Add(Seen("ingest", await ConnectsAsync(new(ingest), ct) ? Ok : Down));
        }

        services.Add(Seen("workers", await WorkersAsync(ct)));
        return new(postgres == Ok ? Ok : Down, services);
    }

    private ServiceState Seen(string name, string state) => new(name, state, StreamMoves.Timestamp(time.GetUtcNow().UtcDateTime));

    private static string Of(HealthReport report, string check) => report.Entries.TryGetValue(check, out var entry) && entry.Status == HealthStatus.Healthy ? Ok : Down;

    private static async Task<bool> ConnectsAsync(Uri ingest, CancellationToken ct)
    {
        using CancellationTokenSource within = CancellationTokenSource.CreateLinkedTokenSource(ct);
        within.CancelAfter(_connectWithin);
        try
        {
            using TcpClient client = new();
            await client.ConnectAsync(ingest.Host, IngestUrls.PortOf(ingest), within.Token);
            return true;
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException && !ct.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task<string> WorkersAsync(CancellationToken ct)
    {
        try
        {
            return (await workers.ListAsync(ct)).Any(worker => worker.Status != "OFFLINE") ? Ok : Degraded;
        }
        catch (Exception exception) when (Outages.IsOutage(exception))
        {
            return Degraded; // the database's own line says why
        }
    }
}
