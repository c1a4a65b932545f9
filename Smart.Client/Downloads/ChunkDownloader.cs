using Smart.Client.Network;
using Storage.Fabric.Chunks;

namespace Smart.Client.Downloads;

/// <summary>
/// Downloads a chunk with the best node first; the reader hedges, verifies and goes on to the next. Every transfer is told to its node's record
/// and to the playback that asked.
/// </summary>
public sealed class ChunkDownloader
{
    /// <summary>Whose transfer it is flows with the call: the reader is shared, so that what it learns of the network outlives a playback.</summary>
    private static readonly AsyncLocal<Download?> _current = new();

    private readonly NodeRegistry _nodes;
    private readonly ChunkReader _reader;
    private readonly TimeProvider _time;

    public ChunkDownloader(NodeRegistry nodes, NodeConnections connections, TimeProvider time)
    {
        (_nodes, _time) = (nodes, time);
        _reader = new(connections.Http, time, Observe);
    }

    /// <exception cref="ChunkUnavailableException">No node gave it.</exception>
    public async Task<byte[]> DownloadAsync(ChunkPlace chunk, DownloadCounts counts, CancellationToken ct)
    {
        var ordered = chunk with
        {
            Replicas = _nodes.BestFirst(chunk.Replicas),
            Fragments = [.. chunk.Fragments.Where(fragment => NodeUrl.IsAllowed(fragment.NodeUrl))],
        };
        var isCoded = chunk.Mode == Redundancy.ErasureCoding;
        List<NodeRecord> asked = [.. (isCoded ? ordered.Fragments.Select(fragment => fragment.NodeUrl) : ordered.Replicas.Take(1)).Select(_nodes.Find).OfType<NodeRecord>()];
        Download download = new(isCoded || ordered.Replicas.Count == 0 ? null : ordered.Replicas[0]);
        _current.Value = download;
        asked.ForEach(node => node.DownloadStarted());
        counts.Started();
        var started = _time.GetTimestamp();
        byte[]? bytes = null;
        try
        {
            bytes = await _reader.ReadAsync(ordered, ct);
            if (download.FirstWasOvertaken)
            {
                asked.ForEach(node => node.Overtaken(_time.GetElapsedTime(started), chunk.SizeBytes));
            }

            return bytes;
        }
        finally
        {
            counts.Ended(bytes?.Length, download.Failovers, wasGivenUp: ct.IsCancellationRequested);
            asked.ForEach(node => node.DownloadEnded());
        }
    }

    private void Observe(TransferSample sample)
    {
        _nodes.Record(sample);
        _current.Value?.Observe(sample);
    }
}
