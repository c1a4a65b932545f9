using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>Fixes who a chunk's acceptors are, at its first proposal: whatever nodes a commit names later, the same are asked.</summary>
internal sealed class AcceptorGroups(DecisionStore decisions, NodeDirectory directory, NodeProber prober)
{
    /// <returns>The group, and whether this call fixed it.</returns>
    public async Task<(IReadOnlyList<string> Acceptors, bool IsMine)> FixAsync(string chunkId, CancellationToken ct)
    {
        List<string> natives = [];
        foreach (var node in (await directory.CurrentAsync(ct)).Healthy)
        {
            if (await prober.IsNativeAsync(node, ct) is true)
            {
                natives.Add(node.Acceptor);
            }
        }

        return await decisions.FixGroupAsync(chunkId, Placement.Choose(chunkId, natives, SizeFor(natives.Count)), ct);
    }

    /// <summary>Three; where there are fewer, as many odd as there are: an even one tolerates no more and needs more. None: Postgres alone decides.</summary>
    internal static int SizeFor(int natives) => natives >= ChunkLimits.Acceptors ? ChunkLimits.Acceptors : natives == 0 ? 0 : 1;
}
