using System.Text.Json.Serialization;

namespace Storage.Fabric.Chunks;

/// <summary>A node that takes chunks, as <c>GET /nodes/healthy</c> lists it.</summary>
/// <param name="DiskUsagePercent">0 to 100.</param>
public sealed record HealthyNode(
    string NodeUrl, string NodeId, DateTimeOffset? LastHeartbeat = null, double DiskUsagePercent = 0, long ChunkCount = 0, string Status = "healthy", string Version = "1.0.0");

/// <summary>One fragment in the body of a commit.</summary>
/// <param name="Checksum">With <c>sha256:</c> or without.</param>
public sealed record CommitFragment(string FragmentId, int FragmentIndex, string NodeUrl, int SizeBytes, string Checksum);

/// <summary>The body of <c>POST /chunk/{chunk_id}/commit</c>.</summary>
/// <param name="NodeUrls">Nodes that hold the chunk, or its fragments in their order.</param>
/// <param name="Checksum">With <c>sha256:</c> or without.</param>
/// <param name="RedundancyMode">One of <see cref="Redundancy"/>.</param>
/// <param name="FragmentsMetadata">Of a coded chunk.</param>
public sealed record CommitBody(
    IReadOnlyList<string> NodeUrls, string Checksum, int SizeBytes, Guid VideoId, int SequenceNum,
    string RedundancyMode = Redundancy.Replication, IReadOnlyList<CommitFragment>? FragmentsMetadata = null);

/// <summary>The answer to a commit.</summary>
/// <param name="Conflict">409: another content was committed under this id, for good.</param>
public sealed record CommitAnswer(bool Success, IReadOnlyList<string> CommittedNodes, string Message = "", [property: JsonIgnore] bool Conflict = false);

/// <summary>Seed 002's manifest as it travels; what has a default may be absent.</summary>
internal sealed record ManifestBody(Guid VideoId, string? Title = null, int DurationSec = 0, string? Status = null, IReadOnlyList<ManifestChunk?>? Chunks = null);

internal sealed record ManifestChunk(
    string ChunkId, int SequenceNum, int SizeBytes, string Checksum, string? RedundancyMode = null,
    IReadOnlyList<string?>? Replicas = null, IReadOnlyList<ManifestFragment?>? Fragments = null);

internal sealed record ManifestFragment(string FragmentId, int FragmentIndex, string NodeUrl, int SizeBytes, string Checksum);

/// <param name="Kind">Beyond seed 002: <see cref="Edge"/>; null: an ordinary video.</param>
internal sealed record NewVideoBody(string Title, int DurationSec, Guid ClientVideoId, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Kind = null)
{
    public const string Edge = "edge";
}

/// <summary>Beyond seed 002: deletions that the rest of the platform is to learn of.</summary>
internal sealed record DeletionsBody(IReadOnlyList<string?>? VideoIds = null);

internal sealed record StatusBody(string Status);

internal sealed record RefusalBody(string? Detail = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ManifestBody))]
[JsonSerializable(typeof(IReadOnlyList<HealthyNode?>))]
[JsonSerializable(typeof(CommitBody))]
[JsonSerializable(typeof(CommitAnswer))]
[JsonSerializable(typeof(NewVideoBody))]
[JsonSerializable(typeof(DeletionsBody))]
[JsonSerializable(typeof(StatusBody))]
[JsonSerializable(typeof(RefusalBody))]
internal sealed partial class MetadataJson : JsonSerializerContext;
