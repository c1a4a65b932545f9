using System.Text;
using Lifecycle.Contracts;

namespace Upload.Api.Uploads;

/// <summary>Names of files as clients send them: for display only, never used as a path.</summary>
internal static class FileNames
{
    /// <summary>The last segment, without control characters and half surrogate pairs (a cut makes one): Postgres refuses both. Null where nothing is left.</summary>
    public static string? Clean(string? name)
    {
        name ??= "";
        StringBuilder kept = new();
        foreach (var rune in name[(name.LastIndexOfAny(['/', '\\']) + 1)..].EnumerateRunes())
        {
            if (kept.Length + rune.Utf16SequenceLength > Limits.FileNameChars)
            {
                break;
            }

            if (!Rune.IsControl(rune))
            {
                kept.Append(rune);
            }
        }

        var clean = kept.ToString();
        return string.IsNullOrWhiteSpace(clean) ? null : clean;
    }
}
