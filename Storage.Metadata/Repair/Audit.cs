using Microsoft.Extensions.Options;
using Storage.Metadata.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Repair;

/// <summary>
/// Asks nodes whether they still have what their placements say, slowly and for ever; a node that reports fewer objects than it should have is
/// asked first and faster: somebody has emptied its folder.
/// </summary>
internal sealed partial class Audit(PlacementStore placements, NodeDirectory directory, ObjectChecks checks, Repairs repairs, IOptions<MetadataOptions> options, TimeProvider time, ILogger<Audit> logger)
{
    /// <summary>How many times as many chunks of suspects are looked at.</summary>
    private const int SuspectFactor = 8;

    /// <summary>Between two counts of what nodes should have, which read every placement.</summary>
    private static readonly TimeSpan _countEvery = TimeSpan.FromSeconds(5);

    private Dictionary<string, long> _expected = [];
    private long? _countedAt;

    public async Task PassAsync(CancellationToken ct)
    {
        var nodes = await directory.CurrentAsync(ct);
        if (_countedAt is not { } at || time.GetElapsedTime(at) > _countEvery)
        {
            (_expected, _countedAt) = (await placements.ObjectsByNodeAsync(ct), time.GetTimestamp());
        }

        string[] suspects = [.. nodes.Healthy.Where(node => node.ChunkCount < _expected.GetValueOrDefault(node.Id)).Select(node => node.Id)];
        await AuditAsync(await placements.TakeForAuditAsync([], options.Value.AuditedPerLook, ct), nodes, ct);
        if (suspects.Length > 0)
        {
            await AuditAsync(await placements.TakeForAuditAsync(suspects, options.Value.AuditedPerLook * SuspectFactor, ct), nodes, ct);
        }
    }

    private async Task AuditAsync(List<ChunkPlacement> taken, NodeSet nodes, CancellationToken ct)
    {
        var looked = await Task.WhenAll(taken.Select(async placement => (Placement: placement, Missing: await MissingAsync(placement, nodes, ct))));
        List<(ChunkPlacement, IReadOnlyList<PlacedObject>)> damaged = [.. looked.Where(one => one.Missing.Count > 0)];
        if (damaged.Count > 0)
        {
            Log.Missing(logger, damaged.Count);
            await repairs.RepairAsync(damaged, ct);
        }
    }

    /// <summary>What a healthy node says it does not have; one that says nothing is a matter of its liveness.</summary>
    private async Task<IReadOnlyList<PlacedObject>> MissingAsync(ChunkPlacement placement, NodeSet nodes, CancellationToken ct)
    {
        var held = await Task.WhenAll(placement.Objects.Select(async placed =>
            (placed, Holds: nodes.ById(placed.NodeId) is { } node && nodes.StateOf(node.Id) == NodeState.Healthy ? await checks.HoldsAsync(node, placed.ObjectId, placed.Checksum, ct) : null)));
        return [.. held.Where(one => one.Holds is false).Select(one => one.placed)];
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} chunks have lost a copy on a node that is healthy")]
        public static partial void Missing(ILogger logger, int count);
    }
}
