using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Storage.Fabric.Consensus;

namespace Storage.Metadata.Nodes;

/// <summary>Asks every node for its health, so that one that registered once and never heartbeats stays alive; and, once, whether it has an acceptor.</summary>
internal sealed partial class NodeProber(NodeRegistry registry, NodeDirectory directory, NodeClient client, IOptions<MetadataOptions> options, ILogger<NodeProber> logger)
{
    /// <summary>No chunk can have this id, so the question changes nothing anywhere.</summary>
    private static readonly AcceptorBatch _areYouNative = new([new(AcceptorRequest.State, "native-node-probe")]);

    private readonly ConcurrentDictionary<string, string> _states = new(StringComparer.Ordinal);

    public async Task PassAsync(CancellationToken ct)
    {
        var nodes = await registry.ListAsync(ct);
        foreach (var node in nodes)
        {
            var state = node.StateBy(options.Value);
            if (_states.TryGetValue(node.Id, out var before) && before != state)
            {
                Log.StateChanged(logger, node.Id, before, state);
            }

            _states[node.Id] = state;
        }

        ParallelOptions bounds = new() { MaxDegreeOfParallelism = options.Value.ConcurrentProbes, CancellationToken = ct };
        await Parallel.ForEachAsync(nodes.Where(node => node.Url is not null), bounds, async (node, within) => await ProbeAsync(node, within));
    }

    /// <summary>Whether the node has an acceptor; asked now where nobody has asked yet. Null: it does not answer.</summary>
    public async ValueTask<bool?> IsNativeAsync(StorageNode node, CancellationToken ct)
    {
        if (node is { IsNative: { } known })
        {
            return known;
        }

        if (node.Url is not { } url)
        {
            return null;
        }

        try
        {
            var isNative = await client.ConsensusAsync(url, _areYouNative, ct) is not null;
            await registry.SetNativeAsync(node.Id, url, isNative, ct);
            directory.Forget();
            return isNative;
        }
        catch (Exception exception) when (NodeClient.IsFailure(exception, ct))
        {
            Log.NotAsked(logger, node.Id, exception.Message);
            return null;
        }
    }

    private async Task ProbeAsync(StorageNode node, CancellationToken ct)
    {
        try
        {
            if (await client.HealthAsync(node.Url!, TimeSpan.FromSeconds(options.Value.ProbeTimeoutSeconds), ct) is not { } health)
            {
                return;
            }

            var disk = health.DiskUsage is >= 0 and <= 100 ? health.DiskUsage : null;
            await registry.AnsweredAsync(node.Id, node.Url!, disk, health.ChunkCount is >= 0 ? health.ChunkCount : null, ct);
            await IsNativeAsync(node, ct);
        }
        catch (Exception exception) when (NodeClient.IsFailure(exception, ct))
        {
            Log.NoAnswer(logger, node.Id, exception.Message);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Node {NodeId} was {Before} and is {State}")]
        public static partial void StateChanged(ILogger logger, string nodeId, string before, string state);

        [LoggerMessage(Level = LogLevel.Debug, Message = "Node {NodeId} does not answer a probe: {Reason}")]
        public static partial void NoAnswer(ILogger logger, string nodeId, string reason);

        [LoggerMessage(Level = LogLevel.Debug, Message = "Node {NodeId} does not say whether it has an acceptor: {Reason}")]
        public static partial void NotAsked(ILogger logger, string nodeId, string reason);
    }
}
