namespace Smart.Client.Dashboard;

/// <summary><c>GET /api/metrics</c>: each curve on its own.</summary>
public sealed record MetricsBody(
    IReadOnlyList<LevelPoint> BufferHistory, IReadOnlyList<ThroughputPoint> ThroughputHistory, IReadOnlyDictionary<string, IReadOnlyList<ScorePoint>> NodeScoreHistory)
{
    public static MetricsBody Of(IReadOnlyList<ClientSample> samples) => new(
        [.. samples.Select(sample => new LevelPoint(sample.At, sample.LevelSeconds))],
        [.. samples.Select(sample => new ThroughputPoint(sample.At, sample.ThroughputMbps))],
        samples.SelectMany(sample => sample.NodeScores, (sample, node) => (node.Key, Point: new ScorePoint(sample.At, node.Value)))
            .GroupBy(score => score.Key, score => score.Point, StringComparer.Ordinal)
            .ToDictionary(node => node.Key, IReadOnlyList<ScorePoint> (node) => [.. node]));
}

/// <param name="Timestamp">Unix seconds.</param>
public sealed record LevelPoint(long Timestamp, double Level);

public sealed record ThroughputPoint(long Timestamp, double Mbps);

public sealed record ScorePoint(long Timestamp, double Score);

/// <summary><c>GET /api/history</c>: each second as a whole.</summary>
public sealed record HistoryBody(IReadOnlyList<HistoryPoint> History)
{
    public static HistoryBody Of(IReadOnlyList<ClientSample> samples) => new([.. samples.Select(sample => new HistoryPoint(
        sample.At, sample.LevelSeconds, sample.BufferHealthPercent, sample.ThroughputMbps, sample.ActiveDownloads, sample.NodeScores))]);
}

/// <param name="DownloadRate">Mbit/s.</param>
public sealed record HistoryPoint(long Timestamp, double BufferLevel, double BufferHealth, double DownloadRate, int ActiveDownloads, IReadOnlyDictionary<string, double> NodeScores);
