using Microsoft.Extensions.Options;
using Storage.Fabric;
using Storage.Fabric.Chunks;
using Storage.Metadata.Chunks;
using Storage.Metadata.Nodes;

namespace Storage.Metadata.Videos;

/// <summary>
/// What a client needs for playback. A coded chunk lists in <c>replicas</c> this service itself, which puts it together on
/// <c>GET /chunk/{id}</c>: a client that knows only replicas plays it too.
/// </summary>
internal sealed class Manifests(VideoStore videos, PlacementStore placements, NodeDirectory directory, IOptions<MetadataOptions> options)
{
    public async Task<ManifestBody?> OfAsync(string videoId, HttpRequest request, CancellationToken ct)
    {
        if (await videos.FindAsync(videoId, ct) is not { } video)
        {
            return null;
        }

        var chunks = await placements.OfVideoAsync(videoId, ct);
        var nodes = await directory.CurrentAsync(ct);
        var here = options.Value.PublicUrl?.TrimEnd('/') ?? $"{request.Scheme}://{request.Host}";
        return new(video.Id, video.Title, video.DurationSec, chunks.Count, video.CreatedAt, video.Status, [.. chunks.Select(chunk => Entry(chunk, nodes, here))]);
    }

    private static ManifestChunk Entry(ChunkPlacement chunk, NodeSet nodes, string here) => new(
        chunk.ChunkId, chunk.Sequence, chunk.SizeBytes, Checksum.InJson(chunk.Checksum), chunk.Mode,
        chunk.IsCoded ? [here] : nodes.UrlsOf(chunk.Nodes),
        chunk.IsCoded ? [.. chunk.PlacesOf(nodes).Select(place => new ManifestFragment(place.FragmentId, place.Index, place.NodeUrl, place.SizeBytes, Checksum.InJson(place.Checksum)))] : null);
}
