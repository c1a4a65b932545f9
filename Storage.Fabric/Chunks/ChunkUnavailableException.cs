namespace Storage.Fabric.Chunks;

/// <summary>Too few nodes gave, or took, a chunk. The same call may succeed later.</summary>
public sealed class ChunkUnavailableException(string chunkId, string reason) : Exception($"Chunk {chunkId}: {reason}")
{
    public string ChunkId => chunkId;
}
