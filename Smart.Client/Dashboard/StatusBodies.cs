using System.Text.Json.Serialization;
using Smart.Client.Downloads;
using Smart.Client.Network;
using Smart.Client.Playback;

namespace Smart.Client.Dashboard;

/// <summary><c>GET /api/status</c>. An idle client has no <c>video_id</c> and zeros.</summary>
public sealed record StatusBody(
    Guid? VideoId, bool Playing, double StartupLatency, double PlaybackDuration, BufferBody Buffer, BufferStatsBody BufferStats, SchedulerStatsBody SchedulerStats,
    IReadOnlyDictionary<string, NodeStatsBody> NetworkStats, IReadOnlyDictionary<string, double> NodeScores)
{
    public static StatusBody Of(PlaybackReading? playback, IReadOnlyList<NodeReading> nodes, SmartClientOptions options) => new(
        playback?.VideoId, playback?.IsPlaying ?? false, Rounded.Seconds(playback?.StartupSeconds), Rounded.Seconds(playback?.PositionSeconds),
        new(
            (playback?.Buffer ?? Buffering.BufferState.Empty).ToString().ToLowerInvariant(), Rounded.Seconds(playback?.LevelSeconds), options.TargetBufferSeconds,
            Rounded.Tenths(playback?.BufferHealthPercent), playback?.ChunkIndex ?? 0),
        new(playback?.ChunksPlayed ?? 0, playback?.Rebuffers ?? 0, Rounded.Seconds(playback?.AverageLevelSeconds)),
        new(playback?.Downloads.Total ?? 0, Rounded.Share(playback?.Downloads.SuccessRate ?? 1), playback?.Downloads.Failovers ?? 0),
        nodes.ToDictionary(node => node.NodeUrl, NodeStatsBody.Of),
        nodes.ToDictionary(node => node.NodeUrl, node => Rounded.Hundredths(node.Score)));
}

/// <param name="State">empty, initializing, low, healthy or full.</param>
/// <param name="CurrentPosition">The chunk that is seen, from 0.</param>
public sealed record BufferBody(string State, double BufferLevelSec, double TargetBufferSec, double BufferHealthPercent, int CurrentPosition);

public sealed record BufferStatsBody(int TotalChunksPlayed, int RebufferingEvents, double AverageBufferLevel);

public sealed record SchedulerStatsBody(int TotalDownloads, double SuccessRate, int FailoverCount);

/// <param name="SuccessRate">Of pings, 0 to 1.</param>
public sealed record NodeStatsBody(double LatencyMs, double BandwidthMbps, double SuccessRate)
{
    public static NodeStatsBody Of(NodeReading node) => new(Rounded.Hundredths(node.LatencyMs), Rounded.Hundredths(node.BandwidthMbps), Rounded.Share(node.Reliability));
}

/// <summary><c>GET /api/stats</c>.</summary>
public sealed record StatsBody(SessionBody Session, BufferDetailBody Buffer, DownloadsBody Downloads, IReadOnlyDictionary<string, NodeDetailBody> Nodes)
{
    public static StatsBody Of(PlaybackReading? playback, IReadOnlyList<NodeReading> nodes, SmartClientOptions options)
    {
        var downloads = playback?.Downloads ?? DownloadReading.None;
        return new(
            new(playback?.VideoId, Rounded.Seconds(playback?.StartupSeconds), Rounded.Seconds(playback?.PositionSeconds), playback?.ChunksPlayed ?? 0),
            new(Rounded.Seconds(playback?.LevelSeconds), options.TargetBufferSeconds, Rounded.Tenths(playback?.BufferHealthPercent), playback?.Rebuffers ?? 0),
            new(downloads.Total, downloads.Succeeded, downloads.Failed, Rounded.Share(downloads.SuccessRate), downloads.Failovers),
            nodes.ToDictionary(node => node.NodeUrl, NodeDetailBody.Of));
    }
}

public sealed record SessionBody(Guid? VideoId, double StartupLatency, double PlaybackDuration, int TotalChunksPlayed);

public sealed record BufferDetailBody(double CurrentLevelSec, double TargetSec, double HealthPercent, int RebufferingEvents);

public sealed record DownloadsBody(int Total, int Successful, int Failed, double SuccessRate, int Failovers);

/// <param name="Downloads">Transfers that it served, to all playbacks of this process.</param>
public sealed record NodeDetailBody(double Score, int Downloads, double LatencyMs, double BandwidthMbps, double SuccessRate)
{
    public static NodeDetailBody Of(NodeReading node) => new(
        Rounded.Hundredths(node.Score), node.Downloads, Rounded.Hundredths(node.LatencyMs), Rounded.Hundredths(node.BandwidthMbps), Rounded.Share(node.Reliability));
}

/// <summary><c>GET /api/performance</c>.</summary>
public sealed record PerformanceBody(
    double StartupLatencySec, double AverageThroughputMbps, int RebufferingEvents, double AverageBufferLevelSec, double PlaybackDurationSec, int ChunksPlayed, double DownloadSuccessRate)
{
    public static PerformanceBody Of(PlaybackReading? playback) => new(
        Rounded.Seconds(playback?.StartupSeconds), Rounded.Hundredths(playback?.Downloads.AverageMbps ?? 0), playback?.Rebuffers ?? 0, Rounded.Seconds(playback?.AverageLevelSeconds),
        Rounded.Seconds(playback?.PositionSeconds), playback?.ChunksPlayed ?? 0, Rounded.Share(playback?.Downloads.SuccessRate ?? 1));
}

/// <summary><c>GET /api/network</c>: the map of <c>/api/status</c> as a list, which seed 002's own dashboard reads.</summary>
public sealed record NetworkBody(IReadOnlyList<NetworkNodeBody> NetworkStats)
{
    public static NetworkBody Of(IReadOnlyList<NodeReading> nodes) => new([.. nodes.Select(node => new NetworkNodeBody(
        node.NodeUrl, Rounded.Hundredths(node.LatencyMs), Rounded.Hundredths(node.BandwidthMbps), Rounded.Share(node.Reliability), Rounded.Hundredths(node.Score), node.IsHealthy,
        node.ActiveDownloads))]);
}

public sealed record NetworkNodeBody(string NodeUrl, double LatencyMs, double BandwidthMbps, double SuccessRate, double Score, bool IsHealthy, int ActiveDownloads);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, PropertyNameCaseInsensitive = true)]
[JsonSerializable(typeof(StatusBody))]
[JsonSerializable(typeof(StatsBody))]
[JsonSerializable(typeof(PerformanceBody))]
[JsonSerializable(typeof(NetworkBody))]
[JsonSerializable(typeof(MetricsBody))]
[JsonSerializable(typeof(HistoryBody))]
[JsonSerializable(typeof(HealthBody))]
[JsonSerializable(typeof(ControlRequest))]
[JsonSerializable(typeof(ControlBody))]
internal sealed partial class DashboardJson : JsonSerializerContext;
