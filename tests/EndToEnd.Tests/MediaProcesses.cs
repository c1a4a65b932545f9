using System.Globalization;

namespace EndToEnd.Tests;

/// <summary>The processes that the platform's workers run: each works in the folder of its lease.</summary>
internal static class MediaProcesses
{
    public static int[] Of(Platform platform) =>
    [
        .. Directory.EnumerateDirectories("/proc")
            .Where(folder => int.TryParse(Path.GetFileName(folder), out _) && WorksIn(folder).StartsWith(platform.Scratch, StringComparison.Ordinal))
            .Select(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture)),
    ];

    /// <summary>Empty where the process has just ended, or is not ours to look at.</summary>
    private static string WorksIn(string folder)
    {
        try
        {
            return Directory.ResolveLinkTarget($"{folder}/cwd", returnFinalTarget: false)?.FullName ?? "";
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
