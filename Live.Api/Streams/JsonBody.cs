using System.Text.Json;
using Lifecycle.Contracts;
using VideoPlatform.ServiceDefaults;

namespace Live.Api.Streams;

/// <summary>
/// Reads a body as seed 001's handler does: it looks at no Content-Type, and an empty, blank, <c>null</c> or <c>[]</c> body is an object
/// without fields. Bounded in bytes and depth; what is no text is no JSON.
/// </summary>
internal static class JsonBody
{
    /// <summary>A request of the largest fields that are allowed has about half of it.</summary>
    public const int MostBytes = 64 * 1024;

    private static readonly JsonDocumentOptions _strict = new() { MaxDepth = 16, AllowDuplicateProperties = false };

    /// <returns>The object, or why there is none.</returns>
    public static async Task<(JsonElement Body, IResult? Refusal)> ReadAsync(HttpRequest request, CancellationToken ct)
    {
        var bytes = new byte[MostBytes + 1];
        var length = request.ContentLength > MostBytes ? bytes.Length : await request.Body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, ct);
        if (length > MostBytes)
        {
            return (default, Problems.TooLarge.ToMessage("Request body is too large.", $"The body has more than {MostBytes} bytes."));
        }

        var text = bytes.AsMemory(0, length);
        if (text.Span.StartsWith("\uFEFF"u8))
        {
            text = text[3..];
        }

        if (text.Span.Trim(" \t\r\n"u8).IsEmpty)
        {
            return (JsonElement.Parse("{}"u8), null);
        }

        try
        {
            using var document = JsonDocument.Parse(text, _strict);
            var root = document.RootElement;
            JsonTexts.Require(root);
            return root switch
            {
                { ValueKind: JsonValueKind.Object } => (root.Clone(), null),
                { ValueKind: JsonValueKind.Null } => (JsonElement.Parse("{}"u8), null),
                { ValueKind: JsonValueKind.Array } when root.GetArrayLength() == 0 => (JsonElement.Parse("{}"u8), null),
                _ => (default, Invalid("Request body must be a JSON object.")),
            };
        }
        catch (JsonException exception)
        {
            return (default, Invalid($"invalidJson: {exception.Message}"));
        }
        catch (InvalidOperationException)
        {
            return (default, Invalid("invalidJson: A text holds half of a surrogate pair."));
        }
    }

    private static MessageResult Invalid(string issue) => new(StatusCodes.Status400BadRequest, "Invalid request body.", [issue]);

    private static MessageResult ToMessage(this Problem problem, string message, string issue) => new(problem.Status, message, [issue]);
}
