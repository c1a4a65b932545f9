using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>Chooses who a chunk's acceptors are to be. At its first proposal they are fixed: whatever nodes a commit names later, the same are asked.</summary>
internal sealed class AcceptorGroups(NodeDirectory directory, NodeProber prober)
{
    public async Task<IReadOnlyList<string>> ChooseAsync(string chunkId, CancellationToken ct)
    {
        List<string> natives = [];
        foreach (var node in (await directory.CurrentAsync(ct)).Healthy)
        {
            if (await prober.IsNativeAsync(node, ct) is true)
            {
                natives.Add(node.Acceptor);
            }
        }

        return Placement.Choose(chunkId, natives, SizeFor(natives.Count));
    }

    /// <summary>Three; where there are fewer, as many odd as there are: an even one tolerates no more and needs more. None: Postgres alone decides.</summary>
    internal static int SizeFor(int natives) => natives >= ChunkLimits.Acceptors ? ChunkLimits.Acceptors : natives == 0 ? 0 : 1;
}
