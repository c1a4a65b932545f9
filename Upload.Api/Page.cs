using Lifecycle.Contracts;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api;

/// <summary>A page of a list that goes from the newest to the oldest, by id.</summary>
/// <param name="Below">Null: from the newest.</param>
public sealed record Page(Guid? Below, int Size)
{
    private const int Usual = 20;

    private const int Largest = 100;

    /// <param name="after">The <c>next</c> of the page before; null: the first page.</param>
    /// <param name="limit">Entries; null: 20.</param>
    /// <param name="page">The page.</param>
    /// <returns>Null, or what is wrong.</returns>
    public static IResult? Refuse(string? after, int? limit, out Page page)
    {
        page = new(null, limit ?? Usual);
        if (page.Size is < 1 or > Largest)
        {
            return Problems.InvalidField.ToResult($"limit lies between 1 and {Largest}.");
        }

        if (after is null)
        {
            return null;
        }

        if (!Guid.TryParseExact(after, "D", out var id))
        {
            return Problems.InvalidField.ToResult("after is the next of the page before.");
        }

        page = page with { Below = id };
        return null;
    }
}
