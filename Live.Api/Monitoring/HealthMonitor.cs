using System.Net.Sockets;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;
using Lifecycle.Store.Monitoring;
using Lifecycle.Store.Workers;
using Live.Api.Orchestration;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace Live.Api.Monitoring;

/// <summary>What Live.Api works with.</summary>
internal sealed class HealthMonitor(HealthCheckService checks, WorkerRegistry workers, WakeListener broker, IOptions<StreamOptions> options, TimeProvider time)
    : HealthLook<HealthBody>(checks, workers, time)
{
    /// <summary>An ingest on the same network answers at once, or not at all.</summary>
    private static readonly TimeSpan _connectWithin = TimeSpan.FromSeconds(1);

    protected override async Task<HealthBody> LookAsync(CancellationToken ct)
    {
        var needed = await NeededAsync(ct);
        var postgres = needed.GetValueOrDefault("videodb", PartState.Down);
        List<ServiceState> services =
        [
            Seen("postgres", postgres),
            Seen("broker", broker.IsConnected ? PartState.Ok : PartState.Degraded), // without it the platform polls
            Seen("storage", needed.GetValueOrDefault("storage", PartState.Down)),
        ];
        if (options.Value.InnerIngestUrl is { Length: > 0 } ingest)
        {
            services.Add(Seen("ingest", await ConnectsAsync(new(ingest), ct) ? PartState.Ok : PartState.Down));
        }

        services.Add(Seen("workers", await WorkersAsync(ct)));
        return new(postgres, services);
    }

    private ServiceState Seen(string name, string state) => new(name, state, StreamMoves.Timestamp(Time.GetUtcNow().UtcDateTime));

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
}
