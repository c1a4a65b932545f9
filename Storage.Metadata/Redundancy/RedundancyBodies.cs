using System.Text.Json.Serialization;

namespace Storage.Metadata.Redundancy;

internal sealed record RecommendationBody(string VideoId, long ViewCount, string RecommendedMode, ModeConfig Config);

/// <summary>Of replication the copies, of erasure coding the shards.</summary>
internal sealed record ModeConfig(string Mode, string Description)
{
    public int? Copies { get; init; }

    public int? DataShards { get; init; }

    public int? ParityShards { get; init; }

    public int? TotalShards { get; init; }

    public int? MinShardsForRecovery { get; init; }
}

internal sealed record OverrideBody(string Status, string VideoId, string? OverrideMode, string Message);

internal sealed record EfficiencyBody(Efficiency Efficiency, ModeComparison ModeComparison);

internal sealed record Efficiency(double ReplicationOverheadFactor, double ErasureCodingOverheadFactor, double StorageSavingsPercent, string Description);

internal sealed record ModeComparison(ModeFigures Replication, ModeFigures ErasureCoding, Savings Savings);

internal sealed record ModeFigures(string Mode, double StoragePerChunkMb, int NodesRequired, int FailuresTolerated, string ReadPerformance, string UseCase);

internal sealed record Savings(double StorageSavedMb, double SavingsPercent);

internal sealed record ConfigBody(int PopularityThreshold, int ReplicationFactor, int ErasureDataShards, int ErasureParityShards, int ErasureTotalShards);

/// <summary>Overheads are the bytes beyond the chunks themselves.</summary>
internal sealed record OverheadBody(
    long ReplicationChunks, long ErasureCodedChunks, long TotalLogicalBytes, long TotalPhysicalBytes, double StorageSavingsPercent, long ReplicationOverheadBytes, long ErasureOverheadBytes);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RecommendationBody))]
[JsonSerializable(typeof(OverrideBody))]
[JsonSerializable(typeof(EfficiencyBody))]
[JsonSerializable(typeof(ConfigBody))]
[JsonSerializable(typeof(OverheadBody))]
internal sealed partial class RedundancyJson : JsonSerializerContext;
