namespace Upload.Api.Uploads.Tus;

/// <summary>Browsers of any origin may upload: a credential is a header, never a cookie, so an origin proves nothing.</summary>
internal static class TusCors
{
    private const string RequestHeaders =
        "Authorization, X-API-Key, Content-Type, Tus-Resumable, Upload-Length, Upload-Offset, Upload-Metadata, Upload-Checksum, Upload-Concat, X-HTTP-Method-Override, X-Requested-With, X-Request-ID, Traceparent";

    private const string ResponseHeaders =
        "Location, Retry-After, Tus-Resumable, Tus-Version, Tus-Extension, Tus-Max-Size, Tus-Checksum-Algorithm, Upload-Offset, Upload-Length, Upload-Metadata, Upload-Expires, Upload-Concat, X-Video-Id";

    public static void Expose(HttpResponse response)
    {
        response.Headers.AccessControlAllowOrigin = "*";
        response.Headers.AccessControlExposeHeaders = ResponseHeaders;
    }

    public static void Preflight(HttpResponse response, string methods)
    {
        response.Headers.Allow = methods;
        response.Headers.AccessControlAllowMethods = methods;
        response.Headers.AccessControlAllowHeaders = RequestHeaders;
        response.Headers.AccessControlMaxAge = "86400";
    }
}
