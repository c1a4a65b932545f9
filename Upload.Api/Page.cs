using Lifecycle.Contracts;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api;

/// <summary>A page of a list, newest first: ids are UUIDv7, so their order is that of creation, and a page begins below the last id of the one before.</summary>
/// <param name="Below">Null: from the newest.</param>
/// <param name="Size">Entries at most.</param>
public sealed record Page(Guid? Below, int Size)
{
    private const int UsualSize = 20;

    private const int LargestSize = 100;

    /// <summary>One more than is shown: whether it is there tells if a next page is.</summary>
    public int Asked => Size + 1;

    /// <param name="after">The <c>next</c> of the page before.</param>
    /// <returns>What is wrong with the arguments, or null.</returns>
    public static ProblemResult? Read(string? after, int? limit, out Page page)
    {
        page = new(null, limit ?? UsualSize);
        if (page.Size is < 1 or > LargestSize)
        {
            return Problems.InvalidField.ToResult($"limit lies between 1 and {LargestSize}.");
        }

        if (after is not null)
        {
            if (!Guid.TryParseExact(after, "D", out var below))
            {
                return Problems.InvalidField.ToResult("after is the next of the page before.");
            }

            page = page with { Below = below };
        }

        return null;
    }

    /// <summary>What is shown of the rows that <see cref="Asked"/> asked for, and the next page's beginning; null on the last.</summary>
    public (IReadOnlyList<T> Shown, string? Next) Cut<T>(IReadOnlyList<T> rows, Func<T, Guid> id) =>
        rows.Count > Size ? ([.. rows.Take(Size)], id(rows[Size - 1]).ToString()) : (rows, null);
}
