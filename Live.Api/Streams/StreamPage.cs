using System.Globalization;
using Lifecycle.Contracts.Live;
using VideoPlatform.ServiceDefaults;

namespace Live.Api.Streams;

/// <summary>A page of the list, newest first.</summary>
/// <param name="After">The last stream of the page before; null: from the newest.</param>
/// <param name="Size">Streams at most.</param>
internal sealed record StreamPage(string? After, int Size)
{
    private const int UsualSize = 20;

    public const int LargestSize = 100;

    /// <summary>One more than is shown: whether it is there tells if a next page is.</summary>
    public int Asked => Size + 1;

    /// <returns>What is wrong with the arguments, or null.</returns>
    public static MessageResult? Read(string? limit, string? after, out StreamPage page)
    {
        Issues issues = new();
        var size = UsualSize;
        if (limit is not null && (!int.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out size) || size is < 1 or > LargestSize))
        {
            issues.Add($"limit must lie between 1 and {LargestSize}.");
        }

        if (after is not null && !StreamIds.IsValid(after))
        {
            issues.Add("after must be the next of the page before.");
        }

        page = new(after, size);
        return issues.Count > 0 ? issues.ToResult() : null;
    }
}
