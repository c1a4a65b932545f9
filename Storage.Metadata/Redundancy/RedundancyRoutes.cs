using Storage.Fabric;
using Storage.Metadata.Http;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata.Redundancy;

/// <summary>How chunks should be kept, and what that costs.</summary>
internal static class RedundancyRoutes
{
    private const double Megabyte = 1 << 20;
    private const double CodedFactor = (double)ChunkLimits.TotalShards / ChunkLimits.DataShards;
    private const double SavedShare = 1 - (CodedFactor / ChunkLimits.Replicas);

    private static readonly EfficiencyBody _efficiency = Efficiency();

    public static void MapRedundancy(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/redundancy/recommend/{videoId}", RecommendAsync);
        routes.MapPost("/redundancy/override/{videoId}", OverrideAsync).AddEndpointFilter<NodeCredential>();
        routes.MapDelete("/redundancy/override/{videoId}", ClearAsync).AddEndpointFilter<NodeCredential>();
        routes.MapGet("/redundancy/efficiency", static () => Results.Json(_efficiency, RedundancyJson.Default.EfficiencyBody));
        routes.MapGet("/redundancy/config", static () => Results.Json(
            new ConfigBody(ChunkLimits.PopularityThreshold, ChunkLimits.Replicas, ChunkLimits.DataShards, ChunkLimits.ParityShards, ChunkLimits.TotalShards), RedundancyJson.Default.ConfigBody));
        routes.MapGet("/storage/overhead", OverheadAsync);
    }

    private static async Task<IResult> RecommendAsync(string videoId, RedundancyStore redundancy, CancellationToken ct)
    {
        var popularity = Ids.Video(videoId) is { } id ? await redundancy.PopularityAsync(id, ct) : new(0, null);
        var mode = popularity.Recommended;
        return Results.Json(new RecommendationBody(videoId, popularity.Views, mode, Config(mode)), RedundancyJson.Default.RecommendationBody);
    }

    private static async Task<IResult> OverrideAsync(string videoId, string? mode, RedundancyStore redundancy, CancellationToken ct)
    {
        if (mode is null)
        {
            return new UnprocessableResult([ValidationIssue.Missing("query", "mode")]);
        }

        if (!RedundancyMode.IsValid(mode))
        {
            return new DetailResult(StatusCodes.Status400BadRequest, $"Invalid mode: {mode}. Use 'replication' or 'erasure_coding'");
        }

        if (Ids.Video(videoId) is not { } id)
        {
            return new DetailResult(StatusCodes.Status404NotFound, "Video not found");
        }

        await redundancy.SetOverrideAsync(id, mode, ct);
        return Results.Json(new OverrideBody("ok", videoId, mode, $"Manual override set to {mode}"), RedundancyJson.Default.OverrideBody);
    }

    private static async Task<IResult> ClearAsync(string videoId, RedundancyStore redundancy, CancellationToken ct)
    {
        if (Ids.Video(videoId) is { } id)
        {
            await redundancy.ClearOverrideAsync(id, ct);
        }

        return Results.Json(new OverrideBody("ok", videoId, null, "Manual override cleared"), RedundancyJson.Default.OverrideBody);
    }

    private static async Task<IResult> OverheadAsync(RedundancyStore redundancy, CancellationToken ct)
    {
        var stored = await redundancy.StoredAsync(ct);
        var (replicated, coded) = (stored.ReplicatedBytes * ChunkLimits.Replicas, stored.CodedBytes * ChunkLimits.TotalShards / ChunkLimits.DataShards);
        var (logical, physical) = (stored.ReplicatedBytes + stored.CodedBytes, replicated + coded);
        var saved = logical == 0 ? 0 : 1 - ((double)physical / (logical * ChunkLimits.Replicas));
        return Results.Json(
            new OverheadBody(stored.ReplicatedChunks, stored.CodedChunks, logical, physical, Math.Round(100 * saved, 1), replicated - stored.ReplicatedBytes, coded - stored.CodedBytes),
            RedundancyJson.Default.OverheadBody);
    }

    private static ModeConfig Config(string mode) => mode == RedundancyMode.Replication
        ? new(mode, $"{ChunkLimits.Replicas} whole copies") { Copies = ChunkLimits.Replicas }
        : new(mode, $"{ChunkLimits.TotalShards} fragments, of which any {ChunkLimits.DataShards} do")
        {
            DataShards = ChunkLimits.DataShards,
            ParityShards = ChunkLimits.ParityShards,
            TotalShards = ChunkLimits.TotalShards,
            MinShardsForRecovery = ChunkLimits.DataShards,
        };

    private static EfficiencyBody Efficiency()
    {
        var (replicated, coded) = (ChunkLimits.ChunkBytes * ChunkLimits.Replicas / Megabyte, ChunkLimits.ChunkBytes * CodedFactor / Megabyte);
        var percent = Math.Round(100 * SavedShare, 1);
        return new(
            new(ChunkLimits.Replicas, Math.Round(CodedFactor, 2), percent, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"Erasure coding saves {percent} % of the storage that replication takes")),
            new(
                new(RedundancyMode.Replication, replicated, ChunkLimits.Replicas, ChunkLimits.Replicas - 1, "fast", "Videos with many views"),
                new(RedundancyMode.ErasureCoding, Math.Round(coded, 2), ChunkLimits.TotalShards, ChunkLimits.ParityShards, "moderate: fragments are put together", "Videos with few views"),
                new(Math.Round(replicated - coded, 2), percent)));
    }
}
