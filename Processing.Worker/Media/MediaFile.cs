using System.Security.Cryptography;
using Processing.Worker.Media.Ffmpeg;

namespace Processing.Worker.Media;

/// <summary>A file that a task made and its caller uploads.</summary>
/// <param name="Name">Path below the task's scratch directory with forward slashes; unique among all tasks of a version.</param>
/// <param name="Bytes">Size in bytes.</param>
/// <param name="Sha256">Lower-case hexadecimal SHA-256.</param>
/// <param name="ContentType">The media type to store it with.</param>
public sealed record MediaFile(string Name, long Bytes, string Sha256, string ContentType)
{
    public string PathIn(string scratchDir) => Path.Combine(scratchDir, Name);

    internal static async Task<MediaFile> WriteAsync(string scratchDir, string name, ReadOnlyMemory<byte> content, string contentType, CancellationToken ct)
    {
        var path = Path.Combine(scratchDir, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        await File.WriteAllBytesAsync(path, content, ct);
        return new MediaFile(name, content.Length, Convert.ToHexStringLower(SHA256.HashData(content.Span)), contentType);
    }

    /// <summary>An output that was moved as a whole into the scratch directory.</summary>
    internal static async Task<MediaFile> DescribeAsync(string scratchDir, string name, string contentType, CancellationToken ct)
    {
        await using var stream = OutputFile.OpenRead(Path.Combine(scratchDir, name));
        var hash = await SHA256.HashDataAsync(stream, ct);
        return new MediaFile(name, stream.Length, Convert.ToHexStringLower(hash), contentType);
    }
}
