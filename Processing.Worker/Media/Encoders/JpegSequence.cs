namespace Processing.Worker.Media.Encoders;

/// <summary>JPEG images one after the other, as ffmpeg's mjpeg muxer writes them.</summary>
internal static class JpegSequence
{
    /// <summary>Inside coded data 0xFF is always followed by 0, so an end marker followed by a start marker stands only between two images.</summary>
    private static ReadOnlySpan<byte> Boundary => [0xFF, 0xD9, 0xFF, 0xD8];

    public static IReadOnlyList<ReadOnlyMemory<byte>> Split(ReadOnlyMemory<byte> content)
    {
        var images = new List<ReadOnlyMemory<byte>>();
        while (content.Length > 0)
        {
            var boundary = content.Span.IndexOf(Boundary);
            var length = boundary < 0 ? content.Length : boundary + 2;
            images.Add(content[..length]);
            content = content[length..];
        }
        return images;
    }
}
