namespace Storage.Metadata.Http;

/// <summary>Pages of any origin may call: the headers stand on every answer, errors too.</summary>
internal static class AnyOrigin
{
    private const string Methods = "GET, HEAD, POST, PATCH, DELETE";
    private const string DaySeconds = "86400";

    public static WebApplication UseAnyOrigin(this WebApplication app)
    {
        app.Use(static (context, next) =>
        {
            var (request, headers) = (context.Request.Headers, context.Response.Headers);
            headers.AccessControlAllowOrigin = "*";
            headers.AccessControlExposeHeaders = "*";
            if (!HttpMethods.IsOptions(context.Request.Method) || request.AccessControlRequestMethod.Count == 0)
            {
                return next(context);
            }

            context.Response.StatusCode = StatusCodes.Status204NoContent;
            headers.AccessControlAllowMethods = Methods;
            // Named, not a star: that does not stand for Authorization.
            headers.AccessControlAllowHeaders = request.AccessControlRequestHeaders.Count > 0 ? request.AccessControlRequestHeaders : "Content-Type, Authorization";
            headers.AccessControlMaxAge = DaySeconds;
            return Task.CompletedTask;
        });
        return app;
    }
}
