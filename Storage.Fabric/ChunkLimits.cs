namespace Storage.Fabric;

/// <summary>Seed 002's bounds, in one place.</summary>
public static class ChunkLimits
{
    /// <summary>What a manifest calls the size of a chunk, in bytes.</summary>
    public const int ChunkBytes = 2 << 20;

    /// <summary>The most that a node takes in one PUT, in bytes; beyond it 413.</summary>
    public const int MostBytes = ChunkBytes + 1024;

    /// <summary>What a manifest calls the duration of a chunk.</summary>
    public const int ChunkSeconds = 10;

    public const int Replicas = 3;

    public const int DataShards = 3;

    public const int ParityShards = 2;

    public const int TotalShards = DataShards + ParityShards;

    /// <summary>Acceptors of a chunk where there are as many nodes: one may be away.</summary>
    public const int Acceptors = 3;

    /// <summary>Views above which a video's chunks are replicated instead of coded.</summary>
    public const int PopularityThreshold = 1000;
}
