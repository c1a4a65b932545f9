using Lifecycle.Contracts.Live;

namespace Live.Api.Ingest;

/// <summary>
/// What the RTMP server asks about. What its client has written behind the stream's name stands in the same form, as it came, so a client
/// could name the stream a second time: whatever is read here must be there exactly once.
/// </summary>
internal sealed record IngestCall(string StreamId, string Key)
{
    /// <summary>The only application of the ingest.</summary>
    private const string Application = "live";

    /// <param name="request">The callback.</param>
    /// <param name="call">What it must be about, as the server names it.</param>
    /// <param name="ct">Ends the reading.</param>
    /// <returns>Null where it cannot be right, whoever asks.</returns>
    public static async Task<IngestCall?> ReadAsync(HttpRequest request, string call, CancellationToken ct)
    {
        if (!request.HasFormContentType)
        {
            return null;
        }

        IFormCollection form;
        try
        {
            form = await request.ReadFormAsync(ct);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException)
        {
            return null; // no form, whatever it says
        }

        return Only(form, "app") == Application && Only(form, "call") == call && StreamIds.IsValid(Only(form, "name")) && Only(form, "key") is { } key
            ? new(Only(form, "name")!, key)
            : null;
    }

    private static string? Only(IFormCollection form, string field) => form[field] is [var value] ? value : null;
}
