using Smart.Client.Network;
using Storage.Fabric.Chunks;

namespace Smart.Client.Downloads;

/// <summary>
/// Downloads a chunk with the best node first; the reader hedges, verifies and goes on to the next. Every transfer is told to its node's record
/// and to the playback that asked.
/// </summary>
public sealed class ChunkDownloader
{
    /// <summary>Whose transfer it is flows with the call: the reader is shared, so that what it learns of slow nodes outlives a playback.</summary>
    private static readonly AsyncLocal<DownloadCounts?> _asking = new();

    private readonly NodeRegistry _nodes;
    private readonly ChunkReader _reader;

    public ChunkDownloader(NodeRegistry nodes, NodeConnections connections, TimeProvider time)
    {
        _nodes = nodes;
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
        var busy = Busy(ordered);
        _asking.Value = counts;
        counts.Started();
        byte[]? bytes = null;
        try
        {
            bytes = await _reader.ReadAsync(ordered, ct);
            return bytes;
        }
        finally
        {
            counts.Ended(bytes?.Length, wasGivenUp: ct.IsCancellationRequested);
            busy.ForEach(node => node.DownloadEnded());
        }
    }

    /// <summary>Who has this download before him: the first replica, or the holders of fragments.</summary>
    private List<NodeRecord> Busy(ChunkPlace chunk)
    {
        var urls = chunk.Replicas.Count > 0 ? chunk.Replicas.Take(1) : chunk.Fragments.Select(fragment => fragment.NodeUrl);
        List<NodeRecord> busy = [.. urls.Select(_nodes.Find).OfType<NodeRecord>()];
        busy.ForEach(node => node.DownloadStarted());
        return busy;
    }

    private void Observe(TransferSample sample)
    {
        _nodes.Record(sample);
        if (!sample.Succeeded)
        {
            _asking.Value?.FailedOver();
        }
    }
}
