using System.Diagnostics.CodeAnalysis;

namespace Lifecycle.Contracts.Live;

/// <summary>Ids that broadcasters choose: 3 to 64 letters, digits and hyphens, and never the look of a video's id, with which they share an address.</summary>
public static class StreamIds
{
    public const int ShortestLength = 3;

    public const int LongestLength = 64;

    /// <summary>The schema's pattern.</summary>
    public const string Pattern = "^[a-zA-Z0-9-]{3,64}$";

    public static bool IsValid([NotNullWhen(true)] string? id) =>
        id is { Length: >= ShortestLength and <= LongestLength } && id.All(c => char.IsAsciiLetterOrDigit(c) || c == '-') && !LooksLikeVideo(id);

    /// <summary>In any of the spellings of a UUID.</summary>
    public static bool LooksLikeVideo(string id) => Guid.TryParse(id, out _);
}
