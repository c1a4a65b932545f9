namespace Storage.Metadata.Nodes;

internal static class NodeState
{
    public const string Healthy = "healthy";
    public const string Degraded = "degraded";

    /// <summary>What it holds counts as lost, and is made anew elsewhere.</summary>
    public const string Down = "down";
}

/// <param name="Url">Null: its address belongs to another node now.</param>
/// <param name="LastSeen">The last heartbeat or answered probe.</param>
/// <param name="Age">Since then, by the database's clock, so that all replicas of this service agree.</param>
/// <param name="IsNative">Whether it has an acceptor; null: not asked yet.</param>
/// <param name="AcceptorId">Which one; null: it did not say.</param>
internal sealed record StorageNode(string Id, string? Url, string Version, DateTime LastSeen, TimeSpan Age, double DiskUsagePercent, long ChunkCount, bool? IsNative, string? AcceptorId)
{
    /// <summary>Beyond it a node refuses to store.</summary>
    private const double FullPercent = 95;

    /// <summary>How a group names its acceptor: the node, and whose promises on it.</summary>
    public string Acceptor => new AcceptorName(Id, AcceptorId).ToString();

    public bool HasRoom => DiskUsagePercent < FullPercent;

    public string StateBy(MetadataOptions options) => Url is null || Age.TotalSeconds > options.DownAfterSeconds ? NodeState.Down
        : Age.TotalSeconds > options.DegradedAfterSeconds ? NodeState.Degraded : NodeState.Healthy;
}
