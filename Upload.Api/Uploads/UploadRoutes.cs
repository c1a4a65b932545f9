using System.Text.Json.Serialization;
using Lifecycle.Contracts;
using Lifecycle.Store;
using Lifecycle.Store.Videos;
using Microsoft.Extensions.Options;
using Upload.Api.Accounts;
using Upload.Api.Chunks;
using Upload.Api.Limiting;
using Upload.Api.Uploads.Sessions;
using Upload.Api.Uploads.Tus;
using Upload.Api.Videos;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Uploads;

/// <summary>The answer of an accepted upload, in seed 000's camelCase.</summary>
public sealed record UploadAccepted([property: JsonPropertyName("videoId")] Guid VideoId);

/// <summary><c>POST /upload</c> (seed 000) and <c>POST /api/v1/videos/upload</c> (seed 004): one file in a form.</summary>
public static class UploadRoutes
{
    /// <summary>Open to all, where <see cref="AccessOptions.OpenUpload"/> says so; a file that could not be stored is 500, as seed 000 has it.</summary>
    private static readonly FormRoute _open = new(
        "POST /upload", "file", Problems.NoFile, Problems.StorageFailure, (video, _) => Task.FromResult<IResult>(TypedResults.Created($"/video/{video}/status", new UploadAccepted(video))));

    public static IServiceCollection AddUploads(this IServiceCollection services)
    {
        services.AddAccess();
        services.AddOptions<UploadOptions>().BindConfiguration(UploadOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<UploadOptions>, UploadOptionsValidator>();
        services.AddOptions<PartOptions>().BindConfiguration(PartOptions.Section).ValidateOnStart();
        services.AddSingleton<IValidateOptions<PartOptions>, PartOptionsValidator>();
        services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, SessionJson.Default));
        services.AddSingleton<UploadEnd>();
        services.AddSingleton<SourceUpload>();
        services.AddSingleton<FormUpload>();
        services.AddSingleton<PartGate>();
        services.AddSingleton<SessionOpening>();
        services.AddSingleton<SessionCompletion>();
        services.AddSingleton<PartReceiver>();
        services.AddTus();
        services.AddSingleton<UploadGate>();
        services.AddSingleton<UploadReaper>();
        return services.AddDuty<UploadReaper>("reaper", TimeSpan.FromSeconds(2), (reaper, ct) => reaper.PassAsync(ct));
    }

    public static void MapUploads(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/upload", (HttpContext context, Caller? caller, FormUpload form, ChunkUploadForm chunks, IOptions<AccessOptions> access, CancellationToken ct) =>
            access.Value.RefusesUpload(context.Request, caller) ? Task.FromResult<IResult>(Problems.Unauthorized.ToResult())
                : form.ReceiveAsync(context, caller, [_open, chunks.Route], null, ct)).TakesLargeBodies().DisableAntiforgery();
        routes.MapPost("/api/v1/videos/upload", UploadVideoAsync).RequireAuthorization().IsDataPlane().DisableAntiforgery();
        routes.MapSessions();
        routes.MapTus();
    }

    private static Task<IResult> UploadVideoAsync(HttpContext context, Caller caller, FormUpload form, VideoLibrary library, CancellationToken ct)
    {
        FormRoute route = new("POST /api/v1/videos/upload", "video", Problems.NoVideo, Problems.Unavailable, AnswerAsync);
        return form.ReceiveAsync(context, caller, [route], null, ct);

        async Task<IResult> AnswerAsync(Guid videoId, CancellationToken token) => await library.FindAsync(videoId, token) is { } video
            ? TypedResults.Json(VideoBody.Accepted(video), VideoJson.Default.VideoBody, statusCode: StatusCodes.Status201Created)
            : Problems.UnknownVideo.ToResult(); // deleted since the first request with this key
    }
}
