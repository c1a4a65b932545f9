using Microsoft.Extensions.Primitives;

namespace Storage.Node.Access;

/// <summary>Players of any origin read chunks and measure pings. The headers stand on every answer, errors too; the preflight is answered here.</summary>
public static class AnyOrigin
{
    private static readonly StringValues _anyone = "*";
    private static readonly StringValues _methods = "GET, HEAD, PUT, DELETE, OPTIONS";
    private static readonly StringValues _requestHeaders = "Content-Type, Authorization, Range, If-Range, If-None-Match, X-Chunk-Checksum, X-Checksum, Traceparent";
    private static readonly StringValues _responseHeaders =
        "Content-Length, Content-Range, Accept-Ranges, ETag, Location, Retry-After, X-Chunk-Size, X-Superblock-ID, X-Node-ID, X-Disk-Usage-Percent, X-Chunk-Count, X-Response-Time";
    private static readonly StringValues _day = "86400";

    public static WebApplication UseAnyOrigin(this WebApplication app)
    {
        app.Use(static (context, next) =>
        {
            // At the last moment: the handler of unexpected exceptions clears what is set before.
            context.Response.OnStarting(
                static state =>
                {
                    var headers = ((HttpResponse)state).Headers;
                    headers.AccessControlAllowOrigin = _anyone;
                    headers.AccessControlExposeHeaders = _responseHeaders;
                    return Task.CompletedTask;
                },
                context.Response);
            if (!HttpMethods.IsOptions(context.Request.Method))
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status204NoContent;
            context.Response.Headers.Allow = _methods;
            context.Response.Headers.AccessControlAllowMethods = _methods;
            context.Response.Headers.AccessControlAllowHeaders = _requestHeaders;
            context.Response.Headers.AccessControlMaxAge = _day;
            return Task.CompletedTask;
        });
        return app;
    }
}
