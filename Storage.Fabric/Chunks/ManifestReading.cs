namespace Storage.Fabric.Chunks;

/// <summary>Seed 002's manifest as the rest of the code knows it. What nobody could read by is refused here: a size past the limit, a checksum that is none.</summary>
internal static class ManifestReading
{
    public static ChunkManifest Of(ManifestBody body) =>
        new(body.VideoId, body.Title ?? "", body.DurationSec, body.Status ?? "", [.. (body.Chunks ?? []).Select(chunk => Of(chunk ?? throw Wrong("a chunk is null"))).OrderBy(chunk => chunk.Sequence)]);

    private static ChunkPlace Of(ManifestChunk chunk) => new(
        chunk.ChunkId, chunk.SequenceNum, Size(chunk.SizeBytes, chunk.ChunkId), Hex(chunk.Checksum, chunk.ChunkId), chunk.RedundancyMode ?? Redundancy.Replication,
        [.. (chunk.Replicas ?? []).OfType<string>()], [.. (chunk.Fragments ?? []).OfType<ManifestFragment>().Select(Of)]);

    private static FragmentPlace Of(ManifestFragment fragment) => new(
        fragment.FragmentId, fragment.FragmentIndex, fragment.NodeUrl, Size(fragment.SizeBytes, fragment.FragmentId), Hex(fragment.Checksum, fragment.FragmentId));

    private static int Size(int bytes, string id) =>
        bytes is > 0 and <= ChunkLimits.MostBytes ? bytes : throw Wrong($"{id} has {bytes} bytes");

    private static string Hex(string? checksum, string id) =>
        Checksum.TryParse(checksum, out var hex) ? hex : throw Wrong($"{id} has no SHA-256");

    private static HttpRequestException Wrong(string what) => new(HttpRequestError.InvalidResponse, $"The manifest is none: {what}.");
}
