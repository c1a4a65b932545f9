using System.Text.Json.Serialization;
using Storage.Fabric;

namespace Storage.Metadata.Videos;

internal sealed record CreatedVideo(string VideoId, string UploadUrl);

internal sealed record VideoRow(string VideoId, string Title, int DurationSec, int TotalChunks, string Status, DateTime CreatedAt)
{
    public int ChunkSizeBytes { get; } = ChunkLimits.ChunkBytes;
}

internal sealed record StatusBody(string Status, string Message, string VideoId);

internal sealed record PopularityBody(string VideoId, long ViewCount);

internal sealed record MessageBody(string Status, string Message);

internal sealed record ManifestBody(string VideoId, string Title, int DurationSec, int TotalChunks, DateTime CreatedAt, string Status, IReadOnlyList<ManifestChunk> Chunks)
{
    public int ChunkDurationSec { get; } = ChunkLimits.ChunkSeconds;

    public int ChunkSizeBytes { get; } = ChunkLimits.ChunkBytes;
}

/// <param name="Checksum">With its prefix.</param>
/// <param name="Replicas">Who answers <c>GET /chunk/{id}</c> with the whole chunk.</param>
/// <param name="Fragments">Null for a replicated chunk.</param>
internal sealed record ManifestChunk(
    string ChunkId, int SequenceNum, int SizeBytes, string Checksum, string RedundancyMode, IReadOnlyList<string> Replicas, IReadOnlyList<ManifestFragment>? Fragments);

internal sealed record ManifestFragment(string FragmentId, int FragmentIndex, string NodeUrl, int SizeBytes, string Checksum);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CreatedVideo))]
[JsonSerializable(typeof(IReadOnlyList<VideoRow>))]
[JsonSerializable(typeof(StatusBody))]
[JsonSerializable(typeof(PopularityBody))]
[JsonSerializable(typeof(MessageBody))]
[JsonSerializable(typeof(ManifestBody))]
[JsonSerializable(typeof(DeletionsBody))]
internal sealed partial class VideoJson : JsonSerializerContext;
