using Lifecycle.Contracts;
using Lifecycle.Store.Chunks;
using Lifecycle.Store.Videos;
using Microsoft.Extensions.Options;
using Npgsql;
using Upload.Api.Accounts;
using Upload.Api.Limiting;
using Upload.Api.Uploads;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Chunks;

/// <summary>Seed 002's uploader: <c>POST /upload/{video_id}</c>, and how far an upload is. Its <c>POST /upload</c> is a dialect of the address that seed 000 has.</summary>
public static class ChunkUploadRoutes
{
    public static IServiceCollection AddChunkUploads(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ChunkUploadJson.Default));
        return services.AddSingleton<ChunkUploadForm>();
    }

    public static void MapChunkUploads(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/upload/{videoId}", UploadAsync).TakesLargeBodies().DisableAntiforgery();
        routes.MapGet("/upload/status/{sessionId}", StatusAsync);
        routes.MapGet("/upload/health", async (ChunkUploads uploads, CancellationToken ct) =>
            TypedResults.Json(new UploaderHealth("healthy", "uploader-service", await uploads.CountActiveAsync(ct)), ChunkUploadJson.Default.UploaderHealth));
    }

    /// <summary>The <c>upload_url</c> of the metadata service's <c>POST /video</c>: an id is nobody's until something has been uploaded under it.</summary>
    private static async Task<IResult> UploadAsync(
        string videoId, HttpContext context, Caller? caller, FormUpload form, ChunkUploadForm chunks, UploadStore uploads, IOptions<AccessOptions> access, CancellationToken ct)
    {
        if (access.Value.RefusesUpload(context.Request, caller))
        {
            return Problems.Unauthorized.ToResult();
        }

        return !Guid.TryParseExact(videoId, "D", out var id) || id == Guid.Empty ? Problems.UnknownVideo.ToResult(Problems.UnknownVideo.Title)
            : await uploads.IsTakenAsync(id, ct) ? Problems.VideoTaken.ToResult(Problems.VideoTaken.Title)
            : await ReceiveAsync(context, caller, id, form, chunks, ct);
    }

    private static async Task<IResult> ReceiveAsync(HttpContext context, Caller? caller, Guid id, FormUpload form, ChunkUploadForm chunks, CancellationToken ct)
    {
        try
        {
            return await form.ReceiveAsync(context, caller, [chunks.Route], id, ct);
        }
        catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            return Problems.VideoTaken.ToResult(Problems.VideoTaken.Title); // by a request in the same moment
        }
    }

    /// <summary>The session's id, which only its sender knows, is all that is asked for.</summary>
    private static async Task<IResult> StatusAsync(string sessionId, HttpContext context, ChunkUploads uploads, CancellationToken ct)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Guid.TryParseExact(sessionId, "D", out var id) && await uploads.FindAsync(id, ct) is { } upload
            ? TypedResults.Json(ChunkUploadStatus.Of(upload), ChunkUploadJson.Default.ChunkUploadStatus)
            : Problems.UnknownUpload.ToResult(Problems.UnknownUpload.Title);
    }
}
