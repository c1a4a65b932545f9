using System.Security.Cryptography;
using System.Text;
using Smart.Client.Buffering;
using Storage.Fabric.Chunks;

namespace Smart.Client.Mp4;

/// <summary>
/// Where each chunk lies in the joined stream. The manifest alone says it, because joining changes no chunk's size: the chunks one after the other,
/// and an index of them within the first.
/// </summary>
public sealed class StreamLayout
{
    private readonly long[] _starts;

    public StreamLayout(ChunkManifest manifest)
    {
        Timeline = new(manifest);
        _starts = new long[Timeline.Count + 1];
        foreach (var (i, chunk) in manifest.Chunks.Index())
        {
            _starts[i + 1] = _starts[i] + chunk.SizeBytes + (i == 0 ? SegmentIndex.BytesOf(Timeline.Count) : 0);
        }

        ETag = ETagOf(manifest);
    }

    public Timeline Timeline { get; }

    public long Length => _starts[^1];

    /// <summary>Strong: the same chunks are joined to the same bytes. A checksum in a manifest is decided once and for ever.</summary>
    public string ETag { get; }

    /// <param name="index">From 0; the count itself gives the end.</param>
    public long StartOf(int index) => _starts[index];

    /// <summary>The chunk that has this byte of the stream.</summary>
    public int ChunkAt(long position)
    {
        var found = Array.BinarySearch(_starts, position);
        return found >= 0 ? found : ~found - 1;
    }

    private static string ETagOf(ChunkManifest manifest)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("joined with an index, 1"u8); // another way of joining is another content
        foreach (var chunk in manifest.Chunks)
        {
            hash.AppendData(Encoding.ASCII.GetBytes(chunk.Checksum));
        }

        hash.AppendData(BitConverter.GetBytes(manifest.DurationSeconds)); // the index has it
        return $"\"{Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 16))}\"";
    }
}
