using Storage.Metadata.Nodes;

namespace Storage.Metadata.Chunks;

/// <summary>Asks nodes whether they have an object with the right checksum: native ones in batches, foreign ones by HEAD.</summary>
internal sealed class ObjectChecks(AcceptorPeers peers, NodeProber prober, NodeClient client, TimeProvider time)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(3);

    /// <returns>Null: the node did not say.</returns>
    public async Task<bool?> HoldsAsync(StorageNode node, string objectId, string checksum, CancellationToken ct)
    {
        if (node.Url is not { } url)
        {
            return null;
        }

        using CancellationTokenSource deadline = new(_within, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(ct, deadline.Token);
        try
        {
            return await prober.IsNativeAsync(node, both.Token) is true
                ? await peers.To(node.Id).HoldsAsync(objectId, checksum, both.Token)
                : await client.HasAsync(url, objectId, checksum, both.Token);
        }
        catch (Exception exception) when (NodeClient.IsFailure(exception, ct))
        {
            return null;
        }
    }
}
