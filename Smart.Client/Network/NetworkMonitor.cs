using Microsoft.Extensions.Options;
using Storage.Fabric.Chunks;

namespace Smart.Client.Network;

/// <summary>
/// Pings every watched node each few seconds. Whom to watch comes from manifests and, so that an idle client has scores too, from the metadata
/// service's list of nodes.
/// </summary>
public sealed partial class NetworkMonitor(
    NodeRegistry nodes, NodeConnections connections, MetadataClient metadata, IOptions<SmartClientOptions> options, TimeProvider time, ILogger<NetworkMonitor> logger)
    : BackgroundService
{
    /// <summary>Of one ping: an answer that comes later is no answer.</summary>
    private static readonly TimeSpan _pingWithin = TimeSpan.FromSeconds(2);

    private const int ConcurrentPings = 16;

    private static readonly TimeSpan _listEvery = TimeSpan.FromSeconds(15);

    private readonly Pulse _found = new();

    /// <summary>Nodes that were not known before are pinged at once.</summary>
    public void Watch(ChunkManifest manifest)
    {
        if (nodes.Watch(manifest.Chunks.SelectMany(chunk => chunk.Replicas.Concat(chunk.Fragments.Select(fragment => fragment.NodeUrl))).Distinct(StringComparer.Ordinal)))
        {
            _found.Set();
        }
    }

    /// <summary>One ping of every node that is watched.</summary>
    public Task PingAllAsync(CancellationToken ct) => Parallel.ForEachAsync(
        nodes.Nodes, new ParallelOptions { MaxDegreeOfParallelism = ConcurrentPings, CancellationToken = ct }, (node, token) => new ValueTask(PingAsync(node, token)));

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(PingOnAsync(stoppingToken), ReadListOnAsync(stoppingToken));

    private async Task PingOnAsync(CancellationToken ct)
    {
        var every = TimeSpan.FromSeconds(options.Value.PingSeconds);
        while (true)
        {
            var found = _found.Next; // before looking: who is found meanwhile is pinged at once
            var started = time.GetTimestamp();
            await PingAllAsync(ct);
            nodes.Forget();
            var rest = every - time.GetElapsedTime(started);
            if (rest > TimeSpan.Zero)
            {
                await found.WithinAsync(rest, time, ct);
            }
        }
    }

    /// <summary>Apart from the pings: a metadata service that hangs makes no node unhealthy.</summary>
    private async Task ReadListOnAsync(CancellationToken ct)
    {
        using PeriodicTimer timer = new(_listEvery, time);
        do
        {
            await ReadListAsync(ct);
        }
        while (await timer.WaitForNextTickAsync(ct));
    }

    private async Task ReadListAsync(CancellationToken ct)
    {
        try
        {
            if (nodes.Watch((await metadata.HealthyNodesAsync(ct)).Select(node => node.NodeUrl)))
            {
                _found.Set();
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException || (exception is OperationCanceledException && !ct.IsCancellationRequested))
        {
            Log.NoList(logger, exception.Message);
        }
    }

    private async Task PingAsync(NodeRecord node, CancellationToken ct)
    {
        using CancellationTokenSource late = new(_pingWithin, time);
        using var within = CancellationTokenSource.CreateLinkedTokenSource(ct, late.Token);
        var started = time.GetTimestamp();
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Head, $"{node.NodeUrl.TrimEnd('/')}/ping");
            using var response = await connections.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, within.Token);
            if (response.IsSuccessStatusCode)
            {
                node.PingAnswered(time.GetElapsedTime(started).TotalMilliseconds);
                return;
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or InvalidOperationException
            || (exception is OperationCanceledException && !ct.IsCancellationRequested))
        {
            Log.NoAnswer(logger, node.NodeUrl, exception.Message);
        }

        node.PingFailed();
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Debug, Message = "The list of nodes could not be read: {Reason}")]
        public static partial void NoList(ILogger logger, string reason);

        [LoggerMessage(Level = LogLevel.Debug, Message = "{NodeUrl} did not answer a ping: {Reason}")]
        public static partial void NoAnswer(ILogger logger, string nodeUrl, string reason);
    }
}
