using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace VideoPlatform.ServiceDefaults;

/// <summary>
/// Conditional requests (RFC 9110, 13) for contents that have a strong ETag and no date, evaluated in the order of 13.2.2:
/// If-Match (strong comparison, else 412), If-None-Match (weak comparison, 304), then Range unless If-Range names another
/// content. Conditions on dates are ignored; an If-Range with a date never holds.
/// </summary>
public static class Preconditions
{
    /// <returns>200, 304 or 412.</returns>
    public static int Evaluate(IHeaderDictionary request, string etag)
    {
        var ifMatch = request.IfMatch;
        if (ifMatch.Count > 0 && !Names(ifMatch, etag, strong: true))
        {
            return StatusCodes.Status412PreconditionFailed;
        }

        var ifNoneMatch = request.IfNoneMatch;
        return ifNoneMatch.Count > 0 && Names(ifNoneMatch, etag, strong: false) ? StatusCodes.Status304NotModified : StatusCodes.Status200OK;
    }

    /// <summary>The part that the client wants; the whole unless the content is still the one that it has a part of.</summary>
    public static ByteRange Range(HttpRequest request, string etag, long size)
    {
        var range = request.Headers.Range;
        if (range.Count == 0 || !HttpMethods.IsGet(request.Method))
        {
            return new(RangeKind.Whole, 0, size); // for HEAD a Range has no meaning
        }

        var ifRange = request.Headers.IfRange;
        return ifRange.Count > 0 && ifRange.ToString() != etag ? new(RangeKind.Whole, 0, size) : ByteRange.Parse(range.ToString(), size);
    }

    private static bool Names(StringValues header, string etag, bool strong)
    {
        foreach (var line in header)
        {
            var rest = line.AsSpan();
            foreach (var piece in rest.Split(','))
            {
                var tag = rest[piece].Trim(" \t");
                if (!strong && tag.StartsWith("W/", StringComparison.Ordinal))
                {
                    tag = tag[2..];
                }

                if (tag is "*" || tag.SequenceEqual(etag))
                {
                    return true;
                }
            }
        }

        return false;
    }
}
