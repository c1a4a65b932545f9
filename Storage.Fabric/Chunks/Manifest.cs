namespace Storage.Fabric.Chunks;

/// <summary>How a chunk is kept, in seed 002's words.</summary>
public static class Redundancy
{
    /// <summary>Three whole copies.</summary>
    public const string Replication = "replication";

    /// <summary>Three fragments of data and two of parity, on five nodes.</summary>
    public const string ErasureCoding = "erasure_coding";

    public static bool IsValid(string mode) => mode is Replication or ErasureCoding;
}

/// <summary>Where one fragment of a coded chunk lives.</summary>
/// <param name="Index">0 to 4: three of data, two of parity.</param>
/// <param name="Checksum">SHA-256 of the fragment, 64 lower-case hex digits.</param>
public sealed record FragmentPlace(string FragmentId, int Index, string NodeUrl, int SizeBytes, string Checksum);

/// <summary>Where one chunk lives.</summary>
/// <param name="Sequence">From 0.</param>
/// <param name="Checksum">SHA-256 of the chunk, 64 lower-case hex digits.</param>
/// <param name="Mode">One of <see cref="Redundancy"/>.</param>
/// <param name="Replicas">URLs of nodes that answer <c>GET /chunk/{id}</c> with the whole chunk, the preferred one first; of a coded chunk those that rebuild it.</param>
/// <param name="Fragments">Of a coded chunk; else empty.</param>
public sealed record ChunkPlace(
    string ChunkId, int Sequence, int SizeBytes, string Checksum, string Mode, IReadOnlyList<string> Replicas, IReadOnlyList<FragmentPlace> Fragments);

/// <summary>A video's chunks, by sequence.</summary>
/// <param name="Status">uploading, active or deleted.</param>
public sealed record ChunkManifest(Guid VideoId, string Title, int DurationSeconds, string Status, IReadOnlyList<ChunkPlace> Chunks);
