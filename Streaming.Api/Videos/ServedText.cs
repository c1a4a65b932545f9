using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;

namespace Streaming.Api.Videos;

/// <summary>One form of a text: its bytes, their coding, and an ETag of their own, because a strong ETag names bytes.</summary>
public sealed record TextForm(byte[] Bytes, StringValues Encoding, StringValues ETag);

/// <summary>A text that is served as it was rendered once: plain, gzip and Brotli.</summary>
public sealed class ServedText
{
    /// <summary>Below it a packet holds the text either way.</summary>
    private const int SmallestCompressed = 600;

    private const int ETagBytes = 16;

    public ServedText(string text, string contentType)
    {
        ContentType = contentType;
        var bytes = Encoding.UTF8.GetBytes(text);
        var tag = Convert.ToHexStringLower(SHA256.HashData(bytes).AsSpan(0, ETagBytes));
        Plain = new(bytes, default, $"\"{tag}\"");
        if (bytes.Length >= SmallestCompressed)
        {
            Gzip = new(Compress(bytes, target => new GZipStream(target, CompressionLevel.Optimal)), "gzip", $"\"{tag}-gz\"");
            Brotli = new(Compress(bytes, target => new BrotliStream(target, CompressionLevel.Optimal)), "br", $"\"{tag}-br\"");
        }
    }

    public StringValues ContentType { get; }

    public TextForm Plain { get; }

    public TextForm? Gzip { get; }

    public TextForm? Brotli { get; }

    /// <summary>What it holds of memory, about.</summary>
    public long Weight => Plain.Bytes.Length + (Gzip?.Bytes.Length ?? 0) + (Brotli?.Bytes.Length ?? 0);

    private static byte[] Compress(byte[] bytes, Func<Stream, Stream> compressor)
    {
        using MemoryStream target = new();
        using (var stream = compressor(target))
        {
            stream.Write(bytes);
        }

        return target.ToArray();
    }
}
