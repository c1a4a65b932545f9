using System.Text;
using Lifecycle.Contracts;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace VideoPlatform.ServiceDefaults;

/// <summary>A body in a character set that nobody knows is 415. The framework's reader of JSON throws on it what looks like a defect.</summary>
internal static class Charsets
{
    public static Task RefuseUnknownAsync(HttpContext context, RequestDelegate next) => IsKnown(context.Request.ContentType)
        ? next(context)
        : Problems.UnsupportedMediaType.ToResult("The charset of the Content-Type is not known here; send UTF-8.").ExecuteAsync(context);

    private static bool IsKnown(string? contentType)
    {
        if (contentType is null || !contentType.Contains("charset", StringComparison.OrdinalIgnoreCase)
            || !MediaTypeHeaderValue.TryParse(contentType, out var type) || type.Charset is not { Length: > 0 } charset)
        {
            return true;
        }

        try
        {
            Encoding.GetEncoding(HeaderUtilities.RemoveQuotes(charset).ToString());
            return true;
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return false; // the second is UTF-7
        }
    }
}
