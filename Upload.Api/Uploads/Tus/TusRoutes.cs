using Lifecycle.Contracts;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Uploads;
using Microsoft.Extensions.Options;
using Upload.Api.Accounts;
using Upload.Api.Limiting;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads.Tus;

/// <summary>
/// tus 1.0 at <c>/files</c> (https://tus.io/protocols/resumable-upload). The rules that these files implement:
/// <list type="bullet">
/// <item>every answer has Tus-Resumable; every request but OPTIONS must have it, with this version, else 412 with Tus-Version;</item>
/// <item>X-HTTP-Method-Override stands for the request's method;</item>
/// <item>OPTIONS tells version, extensions, the largest upload and the checksum algorithms, to anybody;</item>
/// <item>POST creates (Upload-Length, Upload-Metadata): 201 with Location; with a body of application/offset+octet-stream it is the first PATCH too;</item>
/// <item>HEAD tells the durable offset, never from a cache; it ends a PATCH that another request has left hanging;</item>
/// <item>PATCH appends application/offset+octet-stream (else 415) at Upload-Offset (else 409): 204 with the new offset; what arrived of a broken one counts;</item>
/// <item>Upload-Checksum: a PATCH that does not match is 460 and nothing of it counts;</item>
/// <item>DELETE terminates: 204, and the upload is unknown;</item>
/// <item>Upload-Expires is on every answer about an upload that is not finished;</item>
/// <item>Upload-Concat: partial uploads are no videos; the final one has their lengths together, takes no PATCH (403), and is finished with its creation.</item>
/// </list>
/// Beyond the protocol: everything but OPTIONS needs an account, 423 means that another request does not let go of the upload,
/// and X-Video-Id names the video. Upload-Defer-Length is not supported.
/// </summary>
public static class TusRoutes
{
    public static IServiceCollection AddTus(this IServiceCollection services) => services
        .AddSingleton<TusLocks>().AddSingleton<TusWriter>().AddSingleton<TusAppending>().AddSingleton<PieceCopy>().AddSingleton<TusConcatenation>().AddSingleton<TusCreation>();

    public static void MapTus(this IEndpointRouteBuilder routes)
    {
        routes.Map("/files", OnCollectionAsync).TakesLargeBodies();
        routes.Map("/files/{fileId}", OnFileAsync).IsDataPlane();
    }

    internal static void Describe(HttpResponse response, UploadSession session)
    {
        if (session.IsOpen && session.Received < session.TotalBytes)
        {
            response.Headers[TusHeaders.UploadExpires] = session.ExpiresAt.ToString("R");
        }

        if (session.Kind != UploadKind.Partial)
        {
            response.Headers[TusHeaders.VideoId] = session.VideoId.ToString();
        }
    }

    private static async Task<IResult> OnCollectionAsync(HttpContext context, Caller? caller, IOptions<UploadOptions> options, TusCreation creation, CancellationToken ct) =>
        Refuse(context, caller, options.Value, "OPTIONS, POST") ?? await creation.CreateAsync(context, caller!, ct);

    private static async Task<IResult> OnFileAsync(
        HttpContext context, Caller? caller, string fileId, UploadSessions sessions, TusLocks locks, TusAppending appending, UploadEnd end, IOptions<UploadOptions> options, CancellationToken ct)
    {
        if (Refuse(context, caller, options.Value, "OPTIONS, HEAD, PATCH, DELETE") is { } refused)
        {
            return refused;
        }

        if (!Guid.TryParseExact(fileId, "D", out var id) || await sessions.FindAsync(id, ct) is not { Kind: not UploadKind.Parts } session || !caller!.MayUse(session.OwnerId))
        {
            return Problems.UnknownUpload.ToResult();
        }

        return MethodOf(context.Request) switch
        {
            "HEAD" => await HeadAsync(context.Response, session, locks, ct),
            "DELETE" => await TerminateAsync(session, sessions, locks, end, ct),
            _ => await appending.PatchAsync(context, session, ct),
        };
    }

    private static async Task<IResult> HeadAsync(HttpResponse response, UploadSession session, TusLocks locks, CancellationToken ct)
    {
        if (await locks.SettleAsync(session, ct) is not var (now, settled))
        {
            return Problems.UnknownUpload.ToResult();
        }

        if (!settled)
        {
            return Problems.UploadLocked.ToResult(retryAfterSeconds: Problems.RetryAfterSeconds);
        }

        response.Headers.CacheControl = "no-store";
        response.Headers[TusHeaders.UploadOffset] = now.Received.ToString();
        response.Headers[TusHeaders.UploadLength] = now.TotalBytes.ToString();
        response.Headers[TusHeaders.UploadMetadata] = now.Metadata;
        response.Headers[TusHeaders.UploadConcat] = now.Concat;
        Describe(response, now);
        return TypedResults.Ok();
    }

    private static async Task<IResult> TerminateAsync(UploadSession session, UploadSessions sessions, TusLocks locks, UploadEnd end, CancellationToken ct)
    {
        await using var held = session.IsOpen ? await locks.TakeAsync(session.Id, ct) : null;
        if (held is null && session.IsOpen)
        {
            return Problems.UploadLocked.ToResult(retryAfterSeconds: Problems.RetryAfterSeconds);
        }

        // Under the lock nobody writes; whether it is still open, the video's state decides.
        if (held is not null && await end.TakeApartAsync(session.VideoId, session.UploadToken ?? 0))
        {
            return TypedResults.NoContent();
        }

        return await sessions.FindAsync(session.Id, ct) switch
        {
            null => Problems.UnknownUpload.ToResult(),
            { IsOpen: true } => Problems.Unavailable.ToResult(retryAfterSeconds: Problems.RetryAfterSeconds), // a store is away: it is still there
            { } now => new ProblemResult(Problems.StateConflict, "The upload is finished.", state: VideoLifecycle.Table.NameOf(now.State)),
        };
    }

    /// <summary>What holds for every request; null where it may go on.</summary>
    private static IResult? Refuse(HttpContext context, Caller? caller, UploadOptions options, string methods)
    {
        // When the answer starts: whoever writes it, also the handler of what nobody expected.
        context.Response.OnStarting(static response => WriteCommonHeaders((HttpResponse)response), context.Response);
        var (request, response) = (context.Request, context.Response);
        var method = MethodOf(request);
        if (method == "OPTIONS")
        {
            response.Headers["Tus-Version"] = TusHeaders.Version;
            response.Headers["Tus-Extension"] = TusHeaders.Extensions;
            response.Headers["Tus-Max-Size"] = options.MaxBytes.ToString();
            response.Headers["Tus-Checksum-Algorithm"] = TusHeaders.Algorithms;
            TusCors.Preflight(response, methods);
            return TypedResults.NoContent();
        }

        if (!methods.Split(", ").Contains(method, StringComparer.Ordinal))
        {
            response.Headers.Allow = methods;
            return Problems.MethodNotAllowed.ToResult();
        }

        if (request.Headers[TusHeaders.Resumable] != TusHeaders.Version)
        {
            response.Headers["Tus-Version"] = TusHeaders.Version;
            return Problems.PreconditionFailed.ToResult($"Tus-Resumable: {TusHeaders.Version} is the version of this server.");
        }

        return caller is null ? Problems.Unauthorized.ToResult() : null;
    }

    private static Task WriteCommonHeaders(HttpResponse response)
    {
        response.Headers[TusHeaders.Resumable] = TusHeaders.Version;
        TusCors.Expose(response);
        return Task.CompletedTask;
    }

    private static string MethodOf(HttpRequest request) => request.Headers[TusHeaders.MethodOverride].ToString() is { Length: > 0 } instead ? instead.ToUpperInvariant() : request.Method;
}
