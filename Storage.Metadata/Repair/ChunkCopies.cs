using Storage.Fabric.Chunks;
using Storage.Metadata.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Repair;

/// <summary>Makes copies on nodes and sees to it that they are there.</summary>
internal sealed partial class ChunkCopies(RemovalQueue removals, NodeDirectory directory, NodeClient client, ObjectChecks checks, ILogger<ChunkCopies> logger)
{
    /// <summary>Healthy nodes with room, in the order in which this chunk prefers them: a repair that is begun again chooses the same.</summary>
    public async Task<IReadOnlyList<StorageNode>> CandidatesAsync(string chunkId, CancellationToken ct)
    {
        var nodes = await directory.CurrentAsync(ct);
        var ids = nodes.Healthy.Where(node => node.HasRoom).Select(node => node.Id).ToList();
        return [.. Placement.Choose(chunkId, ids, ids.Count).Select(id => nodes.ById(id)!)];
    }

    /// <returns>False: the node did not take it, or does not have it after all.</returns>
    public async Task<bool> MakeAsync(string chunkId, PlacedObject copy, StorageNode node, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        await removals.ExpectAsync(chunkId, copy, ct);
        try
        {
            await client.PutAsync(node.Url!, copy.ObjectId, bytes, copy.Checksum, ct);
        }
        catch (Exception exception) when (NodeClient.IsFailure(exception, ct))
        {
            Log.NotTaken(logger, copy.ObjectId, node.Id, exception.Message);
            return false;
        }

        // A node that has something under this id already says 200 and keeps it: only its checksum tells.
        return await checks.HoldsAsync(node, copy.ObjectId, copy.Checksum, ct) is true;
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Node {NodeId} does not take {ObjectId}: {Reason}")]
        public static partial void NotTaken(ILogger logger, string objectId, string nodeId, string reason);
    }
}
