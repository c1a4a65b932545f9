using Lifecycle.Store.Database;
using Npgsql;
using Storage.Metadata.Chunks;
using Storage.Metadata.Database;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Repair;

/// <summary>
/// Removes copies that no placement names. A row is also written before a copy is made, so that one whose maker died goes away again: when it is
/// due and the placement names the copy, only the row is removed.
/// </summary>
internal sealed partial class RemovalQueue(ChunkDatabase database, NodeDirectory directory, NodeClient client, ILogger<RemovalQueue> logger)
{
    private const int MostPerPass = 64;

    private static readonly TimeSpan _copiedWithin = TimeSpan.FromMinutes(10);

    /// <summary>A copy is about to be made: puts off its removal, waiting for one that is under way.</summary>
    public Task ExpectAsync(string chunkId, PlacedObject copy, CancellationToken ct) => database.ExecuteAsync(
        """
        insert into removals (object_id, node_id, chunk_id, fragment_index, due) values ($1, $2, $3, $4, now() + $5)
        on conflict (object_id, node_id) do update set due = excluded.due, attempts = 0
        """, [copy.ObjectId, copy.NodeId, chunkId, (short?)copy.FragmentIndex, _copiedWithin], ct);

    public async Task PassAsync(CancellationToken ct)
    {
        while (await RemoveSomeAsync(ct) == MostPerPass)
        {
            // A video's chunks are many; a pass is not over while they go.
        }
    }

    /// <returns>How many rows it could take and finish.</returns>
    private async Task<int> RemoveSomeAsync(CancellationToken ct)
    {
        var nodes = await directory.CurrentAsync(ct);
        var living = nodes.All.Where(node => nodes.StateOf(node.Id) != NodeState.Down).Select(node => node.Id).ToArray();
        return await database.InTransactionAsync(async connection =>
        {
            // The rows stay locked until their copies are gone: whoever wants to make the same copy anew waits here.
            var due = await connection.ListAsync(
                """
                select r.object_id, r.node_id, exists (
                    select from chunk_placements p where p.chunk_id = r.chunk_id and case when r.fragment_index is null
                        then p.mode = 'replication' and r.node_id = any(p.nodes) else p.mode = 'erasure_coding' and p.nodes[r.fragment_index + 1] = r.node_id end)
                from removals r where r.due <= now() and r.node_id = any($1) order by r.due limit $2 for update of r skip locked
                """, [living, MostPerPass], row => (ObjectId: row.GetString(0), NodeId: row.GetString(1), IsPlaced: row.GetBoolean(2)), ct);
            var ended = await Task.WhenAll(due.Select(async one => one.IsPlaced || await RemoveAsync(nodes.ById(one.NodeId)!, one.ObjectId, ct)));
            await FinishAsync(connection, [.. due.Where((_, i) => ended[i]).Select(one => (one.ObjectId, one.NodeId))], [.. due.Where((_, i) => !ended[i]).Select(one => (one.ObjectId, one.NodeId))], ct);
            return ended.Count(done => done);
        }, ct);
    }

    private async Task<bool> RemoveAsync(StorageNode node, string objectId, CancellationToken ct)
    {
        try
        {
            await client.DeleteAsync(node.Url!, objectId, ct);
            return true;
        }
        catch (Exception exception) when (NodeClient.IsFailure(exception, ct))
        {
            Log.NotRemoved(logger, objectId, node.Id, exception.Message);
            return false;
        }
    }

    private static async Task FinishAsync(NpgsqlConnection connection, (string ObjectId, string NodeId)[] ended, (string ObjectId, string NodeId)[] failed, CancellationToken ct)
    {
        await connection.ExecuteAsync(
            "delete from removals r using unnest($1, $2) as e (object_id, node_id) where r.object_id = e.object_id and r.node_id = e.node_id",
            [ended.Select(one => one.ObjectId).ToArray(), ended.Select(one => one.NodeId).ToArray()], ct);
        await connection.ExecuteAsync(
            """
            update removals r set attempts = attempts + 1, due = now() + least(interval '5 seconds' * 2 ^ least(attempts, 7), interval '10 minutes')
            from unnest($1, $2) as e (object_id, node_id) where r.object_id = e.object_id and r.node_id = e.node_id
            """, [failed.Select(one => one.ObjectId).ToArray(), failed.Select(one => one.NodeId).ToArray()], ct);
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "{ObjectId} is not removed from node {NodeId} yet: {Reason}")]
        public static partial void NotRemoved(ILogger logger, string objectId, string nodeId, string reason);
    }
}
