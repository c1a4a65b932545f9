using Processing.Worker.Media.Boxes;

namespace Processing.Worker.Live;

/// <summary>Reads the encoder's output from its pipe, box by box. What it says is not trusted: a box is small, or the generation ends.</summary>
internal sealed class LiveFragments(Stream stream)
{
    /// <summary>A fragment lasts a fifth of a second and has one track: 16 MiB is far above any rung's peak.</summary>
    private const long MaxBoxLength = 16L << 20;

    /// <summary>Reads up to the end of moov; null where the encoder ended before.</summary>
    public async Task<IReadOnlyList<TrackInit>?> ReadInitsAsync(CancellationToken ct)
    {
        using var init = new MemoryStream();
        while (await ReadBoxAsync(ct) is var (type, content))
        {
            init.Write(content.Span);
            if (type == "moov")
                return LiveInit.Split(init.ToArray());
        }
        return null;
    }

    /// <summary>The samples of the next fragment and their track; null at the end.</summary>
    public async Task<(uint Track, IReadOnlyList<Sample> Samples)?> ReadAsync(CancellationToken ct)
    {
        while (await ReadBoxAsync(ct) is var (type, moof))
        {
            if (type != "moof")
                continue;
            return await ReadBoxAsync(ct) is var (next, mdat) && next == "mdat" ? (FragmentReader.TrackOf(moof), FragmentReader.Samples(moof, mdat)) : null;
        }
        return null;
    }

    /// <summary>Null at the end, also in the middle of a box: a killed encoder leaves one.</summary>
    private async Task<(string Type, ReadOnlyMemory<byte> Content)?> ReadBoxAsync(CancellationToken ct)
    {
        var start = new byte[8];
        if (await stream.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false, ct) < start.Length)
            return null;
        var header = BoxHeader.Parse(start, available: -1);
        if (header.Length > MaxBoxLength)
            throw new InvalidDataException($"Box {header.Type} of {header.Length} bytes is larger than any fragment.");
        var content = new byte[header.Length];
        start.CopyTo(content, 0);
        var rest = content.AsMemory(start.Length);
        return await stream.ReadAtLeastAsync(rest, rest.Length, throwOnEndOfStream: false, ct) < rest.Length ? null : (header.Type, content);
    }
}
