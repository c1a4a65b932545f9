using System.Text.Json;
using Microsoft.AspNetCore.Http.HttpResults;
using Smart.Client.Playback;
using VideoPlatform.ServiceDefaults;

namespace Smart.Client.Dashboard;

/// <param name="Action">play, pause, resume or stop.</param>
/// <param name="VideoId">Of a play.</param>
public sealed record ControlRequest(string? Action, string? VideoId);

public sealed record ControlBody(string Status, string Action, Guid VideoId);

/// <summary>
/// <c>POST /api/control</c>. Only JSON is read: a page of another origin cannot send it without a preflight, and none is answered, so that no page on the
/// web starts playbacks in somebody's network.
/// </summary>
internal static class ControlRoute
{
    public static void MapControl(this IEndpointRouteBuilder routes) => routes.MapPost("/api/control", ControlAsync);

    private static async Task<IResult> ControlAsync(HttpRequest request, SmartPlayer player, RemotePlayback remote, CancellationToken ct)
    {
        if (!request.HasJsonContentType())
        {
            return new DetailResult(StatusCodes.Status415UnsupportedMediaType, "Send application/json.");
        }

        ControlRequest? control;
        try
        {
            control = await request.ReadFromJsonAsync(DashboardJson.Default.ControlRequest, ct);
        }
        catch (JsonException)
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "The body is no JSON object with action and video_id.");
        }

        return control?.Action?.ToLowerInvariant() switch
        {
            "play" => await PlayAsync(control.VideoId, remote, ct),
            "pause" => Steer("pause", player.Current, static session => session.Pause()),
            "resume" => Steer("resume", player.Current, static session => session.Resume()),
            "stop" => Steer("stop", player.Current, static session => session.Stop()),
            _ => new DetailResult(StatusCodes.Status400BadRequest, "Invalid action. Use 'play', 'pause', 'resume' or 'stop'"),
        };
    }

    private static async Task<IResult> PlayAsync(string? video, RemotePlayback remote, CancellationToken ct)
    {
        if (!Guid.TryParse(video, out var videoId))
        {
            return new DetailResult(StatusCodes.Status400BadRequest, "video_id is required, and is a UUID");
        }

        try
        {
            await remote.PlayAsync(videoId, ct);
            return Ok("play", videoId);
        }
        catch (Exception exception) when (PlaybackRefusals.Of(exception) is { } refusal)
        {
            return refusal;
        }
    }

    private static IResult Steer(string action, PlaybackSession? session, Action<PlaybackSession> steer)
    {
        if (session is null || session.HasEnded)
        {
            return new DetailResult(StatusCodes.Status409Conflict, "No video is playing");
        }

        steer(session);
        return Ok(action, session.VideoId);
    }

    private static JsonHttpResult<ControlBody> Ok(string action, Guid videoId) => TypedResults.Json(new ControlBody("ok", action, videoId), DashboardJson.Default.ControlBody);
}
