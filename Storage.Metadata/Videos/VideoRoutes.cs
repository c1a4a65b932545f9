using System.Globalization;
using Storage.Metadata.Http;
using VideoPlatform.ServiceDefaults;

namespace Storage.Metadata.Videos;

/// <summary>The catalogue's routes.</summary>
internal static class VideoRoutes
{
    private const int MostTitle = 255;
    private const int UsualLimit = 100;
    private const int MostLimit = 1000;

    /// <summary>Beyond seed 002: a video that no list shows, because it is a copy that the platform's own edge reads.</summary>
    private const string EdgeKind = "edge";

    private static readonly DetailResult _unknown = new(StatusCodes.Status404NotFound, "Video not found");

    public static void MapVideos(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/video", CreateAsync).AddEndpointFilter<NodeCredential>();
        routes.MapGet("/videos", ListAsync);
        routes.MapGet("/manifest/{videoId}", ManifestAsync);
        routes.MapGet("/video/{videoId}/popularity", PopularityAsync);
        routes.MapPost("/video/{videoId}/view", ViewAsync);
        routes.MapPatch("/video/{videoId}/status", SetStatusAsync).AddEndpointFilter<NodeCredential>();
        routes.MapDelete("/video/{videoId}", DeleteAsync).AddEndpointFilter<NodeCredential>();
    }

    private static async Task<IResult> CreateAsync(HttpContext context, VideoStore videos, CancellationToken ct)
    {
        var (fields, refusal) = await Fields.OfBodyAsync(context);
        if (fields is null)
        {
            return refusal!;
        }

        var title = fields.Text("title", 1, MostTitle);
        var duration = fields.Integer("duration_sec", 1, int.MaxValue);
        var given = fields.Text("client_video_id", 1, 64, usual: Guid.NewGuid().ToString("D"));
        var id = Ids.Video(given);
        if (id is null)
        {
            fields.Refuse("client_video_id", "String should match pattern '^[A-Za-z0-9_-]{1,64}$'", "string_pattern_mismatch");
        }

        if (!fields.AreGood)
        {
            return fields.Refusal;
        }

        return await videos.CreateAsync(id!, title, (int)duration, fields.Is("kind", EdgeKind), ct)
            ? Results.Json(new CreatedVideo(id!, $"/upload/{id}"), VideoJson.Default.CreatedVideo)
            : new DetailResult(StatusCodes.Status409Conflict, "The video with this id was deleted");
    }

    private static async Task<IResult> ListAsync(string? limit, string? offset, VideoStore videos, CancellationToken ct)
    {
        List<ValidationIssue> issues = [];
        var (most, skipped) = (Integer(limit, UsualLimit, "limit", issues), Integer(offset, 0, "offset", issues));
        if (issues.Count > 0)
        {
            return new UnprocessableResult(issues);
        }

        if (most is < 1 or > MostLimit)
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "Limit must be between 1 and 1000");
        }

        if (skipped < 0)
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "Offset must be non-negative");
        }

        var rows = await videos.ListAsync(most, skipped, ct);
        return Results.Json([.. rows.Select(video => new VideoRow(video.Id, video.Title, video.DurationSec, video.Chunks, video.Status, video.CreatedAt))], VideoJson.Default.IReadOnlyListVideoRow);
    }

    private static async Task<IResult> ManifestAsync(string videoId, HttpContext context, Manifests manifests, CancellationToken ct) =>
        Ids.Video(videoId) is { } id && await manifests.OfAsync(id, context.Request, ct) is { } manifest ? Results.Json(manifest, VideoJson.Default.ManifestBody) : _unknown;

    private static async Task<IResult> PopularityAsync(string videoId, ViewCounts views, CancellationToken ct) =>
        Results.Json(new PopularityBody(videoId, Ids.Video(videoId) is { } id ? await views.OfAsync(id, ct) : 0), VideoJson.Default.PopularityBody);

    private static async Task<IResult> ViewAsync(string videoId, ViewCounts views, CancellationToken ct)
    {
        if (Ids.Video(videoId) is { } id) // a text that no video can have counts for none
        {
            await views.AddAsync(id, ct);
        }

        return Results.Json(new MessageBody("ok", $"View count incremented for {videoId}"), VideoJson.Default.MessageBody);
    }

    private static async Task<IResult> SetStatusAsync(string videoId, HttpContext context, VideoStore videos, VideoDeletion deletion, CancellationToken ct)
    {
        var (fields, refusal) = await Fields.OfBodyAsync(context);
        if (fields is null)
        {
            return refusal!;
        }

        var status = fields.Text("status", 0, 64, usual: "");
        if (!VideoStatus.All.Contains(status))
        {
            return new DetailResult(StatusCodes.Status400BadRequest, $"Invalid status. Must be one of: {string.Join(", ", VideoStatus.All)}");
        }

        var known = Ids.Video(videoId) is { } id && await (status == VideoStatus.Deleted ? deletion.DeleteAsync(id, ct) : videos.SetStatusAsync(id, status, ct));
        return known ? Results.Json(new StatusBody("success", $"Video status updated to {status}", videoId), VideoJson.Default.StatusBody) : _unknown;
    }

    private static async Task<IResult> DeleteAsync(string videoId, VideoDeletion deletion, CancellationToken ct) =>
        Ids.Video(videoId) is { } id && await deletion.DeleteAsync(id, ct) ? Results.NoContent() : _unknown;

    private static int Integer(string? text, int usual, string name, List<ValidationIssue> issues)
    {
        if (text is null)
        {
            return usual;
        }

        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
        {
            return (int)Math.Clamp(number, int.MinValue, int.MaxValue);
        }

        issues.Add(new(["query", name], "Input should be a valid integer, unable to parse string as an integer", "int_parsing"));
        return usual;
    }
}
