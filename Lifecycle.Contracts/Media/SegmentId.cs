using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Lifecycle.Contracts.Media;

/// <summary>
/// The last part of a segment's address: <c>v{version}-{track}-init.mp4</c> or <c>v{version}-{track}-{index}.m4s</c>, the index with five digits or more.
/// It carries the version, so an address means the same bytes for ever and can be cached as immutable.
/// </summary>
/// <param name="Version">The catalogue's version, from 1.</param>
/// <param name="Track">The track's name in the catalogue.</param>
/// <param name="Index">Zero-based segment index; null for the initialization segment.</param>
public readonly record struct SegmentId(int Version, string Track, int? Index)
{
    private const string InitSuffix = "-init.mp4";
    private const string MediaSuffix = ".m4s";
    private const int MinIndexDigits = 5;
    private const int MaxLength = 100;

    /// <summary>Accepts exactly what <see cref="ToString"/> writes: one spelling for each segment.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out SegmentId id)
    {
        id = default;
        if (text is null || text.Length > MaxLength || !text.StartsWith('v'))
            return false;

        var versionEnd = text.IndexOf('-');
        if (versionEnd < 0 || !TryNumber(text.AsSpan(1, versionEnd - 1), out var version))
            return false;

        var rest = text.AsSpan(versionEnd + 1);
        SegmentId candidate;
        if (text.EndsWith(InitSuffix, StringComparison.Ordinal) && rest.Length > InitSuffix.Length)
        {
            candidate = new(version, rest[..^InitSuffix.Length].ToString(), null);
        }
        else
        {
            var indexStart = rest.LastIndexOf('-');
            if (indexStart < 1 || !rest.EndsWith(MediaSuffix, StringComparison.Ordinal) || rest.Length - indexStart - 1 < MinIndexDigits + MediaSuffix.Length
                || !TryNumber(rest[(indexStart + 1)..^MediaSuffix.Length], out var index))
                return false;
            candidate = new(version, rest[..indexStart].ToString(), index);
        }

        if (!TrackName.IsValid(candidate.Track) || candidate.ToString() != text)
            return false;
        id = candidate;
        return true;
    }

    public override string ToString() =>
        Index is { } index
            ? string.Create(CultureInfo.InvariantCulture, $"v{Version}-{Track}-{index:D5}{MediaSuffix}")
            : string.Create(CultureInfo.InvariantCulture, $"v{Version}-{Track}{InitSuffix}");

    private static bool TryNumber(ReadOnlySpan<char> text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
}

/// <summary>Track names appear in addresses: lower-case letters, digits and hyphens, at most 40.</summary>
public static class TrackName
{
    /// <summary>Added to a rendition's name, it names its I-frame playlist.</summary>
    public const string IFramesSuffix = "-iframes";

    private const int MaxLength = 40;

    public static bool IsValid(string name) =>
        name.Length is > 0 and <= MaxLength && name.All(c => c is (>= 'a' and <= 'z') or (>= '0' and <= '9') or '-');
}
