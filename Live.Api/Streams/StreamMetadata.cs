namespace Live.Api.Streams;

/// <summary>A stream's metadata: texts by texts, and not many of them.</summary>
internal static class StreamMetadata
{
    /// <summary>The key whose value a viewer must show; a secret, which no event tells.</summary>
    public const string Entitlement = "entitlement";

    public const int MostEntries = 64;

    public const int LongestKey = 64;

    public const int LongestValue = 1024;

    /// <summary>Of all keys and values together.</summary>
    public const int MostChars = 16 * 1024;

    /// <summary>Keys and values without the blanks around them; what is empty then is dropped. Of two keys that become the same the first one counts, in their order.</summary>
    public static IReadOnlyDictionary<string, string> Normalized(IReadOnlyDictionary<string, string> metadata)
    {
        SortedDictionary<string, string> normalized = new(StringComparer.Ordinal);
        foreach (var (key, value) in metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (key.Trim() is { Length: > 0 } name && value.Trim() is { Length: > 0 } text)
            {
                normalized.TryAdd(name, text);
            }
        }

        return normalized;
    }

    /// <summary>What events may tell of it.</summary>
    public static IReadOnlyDictionary<string, string> Told(IReadOnlyDictionary<string, string> metadata) =>
        metadata.Where(pair => pair.Key != Entitlement).ToDictionary(StringComparer.Ordinal);
}
