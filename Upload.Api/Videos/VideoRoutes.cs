using System.Text.Json;
using System.Text.Json.Serialization;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Edge;
using Lifecycle.Store.Videos;
using Upload.Api.Accounts;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Videos;

/// <summary>A video as seed 004 shows it; what the probe finds is there once it has been found.</summary>
/// <param name="Duration">Seconds.</param>
/// <param name="Bitrate">Bits a second, of the source as a whole.</param>
/// <param name="Status">pending, processing, ready or failed.</param>
/// <param name="Edge">The copy on the chunk store's nodes: none, placing, ready or failed.</param>
public sealed record VideoBody(
    Guid Id, string? Filename, long? Size, double? Duration, int? Width, int? Height, string? Codec, long? Bitrate, string Status, string? Category, string? Reason,
    DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt, string? Edge)
{
    /// <summary>The answer to an upload: what was accepted, whether or not a worker has it already. A repeated request gets the same.</summary>
    public static VideoBody Accepted(VideoDetails video) => Of(video) with { Status = VideoRoutes.StatusOf(VideoState.Uploaded), Category = null, Reason = null, Edge = null };

    public static VideoBody Of(VideoDetails video)
    {
        var source = video.Media is { } media ? JsonSerializer.Deserialize(media, VideoJson.Default.ProbedSource) : null;
        return new(
            video.Id, video.FileName, video.Bytes, source?.DurationSeconds, source?.Width, source?.Height, source?.VideoCodec,
            source is { DurationSeconds: > 0 } && video.Bytes is { } bytes ? (long)(bytes * 8 / source.DurationSeconds) : null,
            VideoRoutes.StatusOf(video.State), video.FailureCategory, video.FailureReason, video.CreatedAt, video.UpdatedAt,
            video.Edge.ToString().ToLowerInvariant());
    }
}

/// <summary>The part of a version's probe data that clients see.</summary>
public sealed record ProbedSource([property: JsonPropertyName("durationSeconds")] double DurationSeconds, [property: JsonPropertyName("videoCodec")] string? VideoCodec, int Width, int Height);

/// <param name="Next">Where the next page begins; absent on the last.</param>
public sealed record VideosBody(IReadOnlyList<VideoBody> Videos, string? Next);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VideoBody))]
[JsonSerializable(typeof(VideosBody))]
[JsonSerializable(typeof(ProbedSource))]
internal sealed partial class VideoJson : JsonSerializerContext;

/// <summary><c>/api/v1/videos</c>: an account's videos; an admin's are all. What somebody else owns does not exist (404).</summary>
public static class VideoRoutes
{
    public static void MapVideos(this IEndpointRouteBuilder routes)
    {
        var videos = routes.MapGroup("/api/v1/videos").RequireAuthorization();
        videos.MapGet("/", ListAsync);
        videos.MapGet("/{videoId}", GetAsync);
        videos.MapGet("/{videoId}/conformance", ConformanceAsync);
        videos.MapDelete("/{videoId}", DeleteAsync);
        videos.MapPut("/{videoId}/edge", AskForEdgeAsync);
        videos.MapDelete("/{videoId}/edge", RefuseEdgeAsync);
    }

    internal static string StatusOf(VideoState state) => state switch
    {
        VideoState.Uploaded => "pending",
        VideoState.Processing => "processing",
        VideoState.Ready => "ready",
        VideoState.Failed => "failed",
        _ => throw new InvalidOperationException($"{state} is not for clients."),
    };

    private static async Task<IResult> ListAsync(Caller caller, VideoLibrary library, string? status, string? after, int? limit, CancellationToken ct)
    {
        if (Page.Read(after, limit, out var page) is { } refusal)
        {
            return refusal;
        }

        VideoState? state = null;
        if (status is not null)
        {
            state = VideoLifecycle.VisibleNames.Select(VideoLifecycle.Table.Parse).Cast<VideoState?>().FirstOrDefault(one => StatusOf(one!.Value) == status);
            if (state is null)
            {
                return Problems.InvalidField.ToResult("status is pending, processing, ready or failed.");
            }
        }

        var (shown, next) = page.Cut(await library.ListAsync(caller.IsAdmin ? null : caller.UserId, state, page.Below, page.Asked, ct), video => video.Id);
        return TypedResults.Json(new VideosBody([.. shown.Select(VideoBody.Of)], next), VideoJson.Default.VideosBody);
    }

    private static async Task<IResult> GetAsync(string videoId, Caller caller, VideoLibrary library, CancellationToken ct) =>
        await FindAsync(videoId, caller, library, ct) is { } video ? TypedResults.Json(VideoBody.Of(video), VideoJson.Default.VideoBody) : Problems.UnknownVideo.ToResult();

    /// <summary>The checks that the served version passed.</summary>
    private static async Task<IResult> ConformanceAsync(string videoId, Caller caller, VideoLibrary library, VideoStore videos, CancellationToken ct)
    {
        if (await FindAsync(videoId, caller, library, ct) is not { } video || await videos.PublishedAsync(video.Id, ct) is not { } published)
        {
            return Problems.UnknownVideo.ToResult();
        }

        return published.Conformance is { } report
            ? TypedResults.Text(report, "application/json")
            : Problems.NotReady.ToResult($"The video is {StatusOf(published.State)}.");
    }

    /// <summary>204 once the deletion is durable; replicas and caches forget the video within 60 s.</summary>
    private static async Task<IResult> DeleteAsync(string videoId, Caller caller, VideoLibrary library, VideoStore videos, CancellationToken ct) =>
        await FindAsync(videoId, caller, library, ct) is { } video && await videos.DeleteAsync(video.Id, ct) == MoveOutcome.Moved ? TypedResults.NoContent() : Problems.UnknownVideo.ToResult();

    /// <summary>202: a copy on the chunk store's nodes is there or will be; the video's own answer tells.</summary>
    private static async Task<IResult> AskForEdgeAsync(string videoId, Caller caller, VideoLibrary library, EdgeCopies copies, CancellationToken ct)
    {
        if (await FindAsync(videoId, caller, library, ct) is not { } video)
        {
            return Problems.UnknownVideo.ToResult();
        }

        return await copies.SetAsync(video.Id, isWanted: true, ct) switch
        {
            MoveOutcome.Moved when await library.FindAsync(video.Id, ct) is { } changed => TypedResults.Json(VideoBody.Of(changed), VideoJson.Default.VideoBody, statusCode: StatusCodes.Status202Accepted),
            MoveOutcome.NotAllowed => Problems.NotReady.ToResult($"The video is {StatusOf(video.State)}."),
            _ => Problems.UnknownVideo.ToResult(),
        };
    }

    /// <summary>204: it is not read from any more within seconds, and removed; nor does popularity bring one back.</summary>
    private static async Task<IResult> RefuseEdgeAsync(string videoId, Caller caller, VideoLibrary library, EdgeCopies copies, CancellationToken ct) =>
        await FindAsync(videoId, caller, library, ct) is { } video && await copies.SetAsync(video.Id, isWanted: false, ct) == MoveOutcome.Moved
            ? TypedResults.NoContent() : Problems.UnknownVideo.ToResult();

    /// <summary>The video, where it is one of the caller's.</summary>
    internal static async Task<VideoDetails?> FindAsync(string videoId, Caller caller, VideoLibrary library, CancellationToken ct) =>
        Guid.TryParseExact(videoId, "D", out var id) && await library.FindAsync(id, ct) is { } video && caller.MayUse(video.OwnerId) ? video : null;
}
