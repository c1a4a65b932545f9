using Lifecycle.Contracts;

namespace Upload.Api.Uploads;

/// <summary>The request header <c>Idempotency-Key</c>.</summary>
internal static class IdempotencyHeader
{
    public static string Rule { get; } = $"Idempotency-Key is 1 to {Limits.IdempotencyKeyChars} visible ASCII characters.";

    /// <summary>False where it is there and is no key; null where it is not there.</summary>
    public static bool TryRead(HttpRequest request, out string? key)
    {
        key = null;
        if (!request.Headers.TryGetValue("Idempotency-Key", out var values))
        {
            return true;
        }

        var text = values.ToString();
        if (values.Count != 1 || text.Length is 0 or > Limits.IdempotencyKeyChars || text.Any(c => c is < ' ' or > '~'))
        {
            return false;
        }

        key = text;
        return true;
    }
}
