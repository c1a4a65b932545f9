using System.Text;
using Processing.Worker.Media.Boxes;

namespace Processing.Worker.Media.Planning;

/// <summary>
/// Looks at the first bytes before any demuxer does: names what is certainly no media, so that the answer is clear.
/// Safety does not rest on it: the demuxers that follow references are not allowed at all.
/// </summary>
internal static class ContentSniffer
{
    private const int HeadBytes = 4096;

    private static readonly (string Start, string What)[] Texts =
    [
        ("#EXTM3U", "an HLS playlist"),
        ("ffconcat", "a concat list"),
        ("[Script Info]", "a subtitle file"),
        ("WEBVTT", "a subtitle file"),
        ("<?xml", "an XML document"),
        ("<MPD", "a DASH manifest"),
        ("<svg", "an SVG image"),
        ("<html", "an HTML page"),
        ("<!DOCTYPE", "an HTML page"),
        ("%PDF", "a PDF document"),
        ("\u0089PNG", "a PNG image"),
        ("\u00FF\u00D8\u00FF", "a JPEG image"),
        ("PK\u0003\u0004", "a ZIP archive"),
        ("\u001F\u008B", "a gzip archive"),
        ("\u007FELF", "a program"),
        ("#!", "a script"),
    ];

    /// <exception cref="MediaUnusableException">The content is no media, or cut off.</exception>
    public static async Task CheckAsync(string path, CancellationToken ct)
    {
        await using var file = File.OpenRead(path);
        if (file.Length == 0)
            throw new MediaUnusableException("Not a video: the file is empty.");
        var head = new byte[HeadBytes];
        var length = await file.ReadAtLeastAsync(head, head.Length, throwOnEndOfStream: false, ct);
        if (NameOf(head.AsSpan(0, length)) is { } what)
            throw new MediaUnusableException($"Not a video: the file is {what}.");
        if (length >= 12 && head.AsSpan(4, 4).SequenceEqual("ftyp"u8))
            await CheckBoxesAsync(file, ct);
    }

    /// <summary>What the content certainly is, or null.</summary>
    public static string? NameOf(ReadOnlySpan<byte> head)
    {
        var text = Encoding.Latin1.GetString(head).TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\t', '\r', '\n');
        foreach (var (start, what) in Texts)
        {
            if (text.StartsWith(start, StringComparison.OrdinalIgnoreCase))
                return what;
        }
        return !head.ContainsAnyInRange((byte)0, (byte)8) && !head.ContainsAnyInRange((byte)14, (byte)26) ? "a text" : null;
    }

    /// <summary>A top-level box that ends after the file does: an upload that was cut off.</summary>
    private static async Task CheckBoxesAsync(FileStream file, CancellationToken ct)
    {
        var header = new byte[BoxHeader.MaxLength];
        for (var offset = 0L; offset + 8 <= file.Length;)
        {
            file.Position = offset;
            var read = await file.ReadAtLeastAsync(header, header.Length, throwOnEndOfStream: false, ct);
            BoxHeader box;
            try
            {
                box = BoxHeader.Parse(header.AsSpan(0, read), file.Length - offset);
            }
            catch (InvalidDataException)
            {
                return;
            }
            if (box.Type is "mdat" or "moov" or "moof" && offset + box.Length > file.Length)
            {
                throw new MediaUnusableException(
                    $"The file is truncated: its {box.Type} box states {box.Length} bytes, {file.Length - offset} are there.");
            }
            offset += box.Length;
        }
    }
}
