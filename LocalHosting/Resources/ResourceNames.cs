using System.Text.RegularExpressions;
using Aspire.Hosting;

namespace LocalHosting.Model;

/// <summary>The names that Aspire accepts: 1-64 ASCII letters, digits and hyphens; a letter first; no trailing or double hyphen.</summary>
internal static partial class ResourceNames
{
    private const int MaxLength = 64;

    public static void Validate(string name, string kind = "Resource")
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        if (name.Length > MaxLength)
            throw new DistributedApplicationException($"{kind} name '{name}' is invalid. Name must be between 1 and {MaxLength} characters long.");
        if (!Valid().IsMatch(name))
            throw new DistributedApplicationException(
                $"{kind} name '{name}' is invalid. Name must start with an ASCII letter, contain only ASCII letters, digits, and hyphens, and have no trailing or double hyphen.");
    }

    /// <summary>The part of an environment variable's name that stands for a resource: every other character than a letter, digit or '_' becomes '_'.</summary>
    public static string ToVariable(string name) => NotWord().Replace(name, "_").ToUpperInvariant();

    [GeneratedRegex("^[A-Za-z](-?[A-Za-z0-9])*$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Valid();

    [GeneratedRegex("[^A-Za-z0-9_]", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex NotWord();
}
