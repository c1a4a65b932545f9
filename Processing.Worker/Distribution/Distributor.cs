using Microsoft.Extensions.Options;
using Processing.Worker.Media;
using Storage.Fabric;
using Storage.Fabric.Chunks;

namespace Processing.Worker.Distribution;

/// <summary>Speaks to the chunk store: nodes take the bytes, Storage.Metadata agrees on where they are.</summary>
public sealed class Distributor(MetadataClient metadata, ChunkWriter writer)
{
    public Task RegisterAsync(Guid videoId, string title, double seconds, CancellationToken ct) =>
        metadata.CreateVideoAsync(videoId, title, Math.Max(1, (int)Math.Ceiling(seconds)), ct);

    public Task ActivateAsync(Guid videoId, CancellationToken ct) => metadata.SetStatusAsync(videoId, "active", ct);

    /// <summary>Ends when two nodes at least hold the chunk and its place is agreed; missing copies are repaired afterwards.</summary>
    /// <exception cref="ChunkUnavailableException">Too few nodes take it: to be tried again.</exception>
    /// <exception cref="MediaFailureException">The place was agreed for another content.</exception>
    public async Task StoreAsync(Guid videoId, int sequence, ReadOnlyMemory<byte> bytes, CancellationToken ct)
    {
        var chunkId = ChunkNames.Chunk(videoId, sequence);
        var nodes = (await metadata.HealthyNodesAsync(ct)).ToDictionary(node => node.NodeId, node => node.NodeUrl, StringComparer.Ordinal);
        string[] candidates = [.. Placement.Choose(chunkId, [.. nodes.Keys], nodes.Count).Select(id => nodes[id])];
        var holders = await writer.WriteAsync(chunkId, bytes, candidates, ChunkLimits.Replicas, ct);
        var answer = await metadata.CommitAsync(
            chunkId, new(holders, Checksum.InJson(Checksum.HexOf(bytes.Span)), bytes.Length, videoId, sequence, Redundancy.Replication, FragmentsMetadata: null), ct);
        if (answer.Conflict)
        {
            throw new MediaFailureException(new(MediaFailureCategory.Storage, $"Chunk {sequence} of the video was agreed on with another content.", answer.Message));
        }

        if (!answer.Success)
        {
            throw new ChunkUnavailableException(chunkId, answer.Message);
        }
    }
}
