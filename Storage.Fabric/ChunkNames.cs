using System.Globalization;
using System.Text.RegularExpressions;

namespace Storage.Fabric;

/// <summary>The ids of chunks and fragments. Nothing is read out of them: the video of a chunk is in its record.</summary>
public static partial class ChunkNames
{
    public static bool IsValid(string id) => Pattern().IsMatch(id);

    /// <param name="sequence">From 0.</param>
    public static string Chunk(Guid videoId, int sequence) => string.Create(CultureInfo.InvariantCulture, $"{videoId:D}-chunk-{sequence:000}");

    /// <param name="index">0 to 4: three of data, two of parity.</param>
    public static string Fragment(string chunkId, int index) => string.Create(CultureInfo.InvariantCulture, $"{chunkId}-frag-{index}");

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,64}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Pattern();
}
