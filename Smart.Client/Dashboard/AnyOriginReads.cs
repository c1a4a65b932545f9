namespace Smart.Client.Dashboard;

/// <summary>Pages of any origin may read and play; they may not steer, so no preflight is answered.</summary>
internal static class AnyOriginReads
{
    private const string Readable = "Content-Length, Content-Range, Accept-Ranges, ETag, Retry-After";

    public static void UseAnyOriginReads(this WebApplication app) => app.Use(static (context, next) =>
    {
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method))
        {
            // At the last moment: the handler of unexpected exceptions clears what is set before.
            context.Response.OnStarting(
                static state =>
                {
                    var headers = ((HttpResponse)state).Headers;
                    headers.AccessControlAllowOrigin = "*";
                    headers.AccessControlExposeHeaders = Readable;
                    return Task.CompletedTask;
                },
                context.Response);
        }

        return next(context);
    });
}
