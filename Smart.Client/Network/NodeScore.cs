namespace Smart.Client.Network;

/// <summary>Seed 002's formulas.</summary>
public static class NodeScore
{
    /// <param name="bandwidthMbps">Mean of the last transfers, Mbit/s.</param>
    /// <param name="reliability">Share of the last pings that were answered, 0 to 1.</param>
    /// <param name="latencyMs">Mean of the last answered pings.</param>
    public static double Of(double bandwidthMbps, double reliability, double latencyMs) => bandwidthMbps * reliability / (1 + (0.1 * latencyMs));

    /// <summary>What a node is chosen by: who is busy is worth less.</summary>
    public static double ForSelection(double score, int activeDownloads) => score / (1 + (0.2 * activeDownloads));
}
