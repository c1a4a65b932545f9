using Lifecycle.Contracts;
using Lifecycle.Store.Videos;
using VideoPlatform.ServiceDefaults;

namespace Upload.Api.Videos;

/// <summary>Videos as resources; seed 004 adds lists and reads.</summary>
public static class VideoRoutes
{
    public static void MapVideos(this IEndpointRouteBuilder routes) => routes.MapDelete("/api/v1/videos/{videoId}", DeleteAsync);

    /// <summary>204 once the deletion is durable; replicas and caches forget the video within 60 s.</summary>
    private static async Task<IResult> DeleteAsync(string videoId, VideoStore videos, CancellationToken ct) =>
        Guid.TryParseExact(videoId, "D", out var id) && await videos.DeleteAsync(id, ct) == MoveOutcome.Moved
            ? TypedResults.NoContent()
            : Problems.UnknownVideo.ToResult();
}
