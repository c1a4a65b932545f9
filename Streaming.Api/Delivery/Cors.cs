using Microsoft.Extensions.Primitives;

namespace Streaming.Api.Delivery;

/// <summary>
/// Players of any origin may read. The headers stand on every answer, errors too and whether or not an Origin was sent:
/// the gateway caches answers without asking who wanted them.
/// </summary>
public static class Cors
{
    private static readonly StringValues _anyone = "*";
    private static readonly StringValues _methods = "GET, HEAD";
    private static readonly StringValues _allow = "GET, HEAD, OPTIONS";
    private static readonly StringValues _requestHeaders = "Range, If-Range, If-Match, If-None-Match, Cache-Control, Pragma, Traceparent";
    private static readonly StringValues _responseHeaders = "Content-Length, Content-Range, Accept-Ranges, ETag, Retry-After, Age, Date";
    private static readonly StringValues _day = "86400";

    /// <summary>For everything under /stream: the headers, and the answer to OPTIONS.</summary>
    public static WebApplication UsePlayerCors(this WebApplication app)
    {
        app.Use(static (context, next) =>
        {
            if (!context.Request.Path.StartsWithSegments("/stream", StringComparison.OrdinalIgnoreCase))
            {
                return next(context);
            }

            var headers = context.Response.Headers;
            headers.AccessControlAllowOrigin = _anyone;
            headers.AccessControlExposeHeaders = _responseHeaders;
            if (!HttpMethods.IsOptions(context.Request.Method))
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status204NoContent;
            headers.Allow = _allow;
            headers.AccessControlAllowMethods = _methods;
            headers.AccessControlAllowHeaders = _requestHeaders;
            headers.AccessControlMaxAge = _day;
            return Task.CompletedTask;
        });
        return app;
    }
}
