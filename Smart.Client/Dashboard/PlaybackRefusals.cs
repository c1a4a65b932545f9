using Smart.Client.Playback;
using VideoPlatform.ServiceDefaults;

namespace Smart.Client.Dashboard;

/// <summary>Why a playback did not begin, as an answer.</summary>
internal static class PlaybackRefusals
{
    public const int RetryAfterSeconds = 5;

    /// <summary>Null: not one of them.</summary>
    public static IResult? Of(Exception exception) => exception switch
    {
        VideoNotFoundException => new DetailResult(StatusCodes.Status404NotFound, "Video not found"),
        TooManyPlaybacksException => new DetailResult(StatusCodes.Status503ServiceUnavailable, exception.Message, RetryAfterSeconds),
        HttpRequestException or IOException or TaskCanceledException { InnerException: TimeoutException } =>
            new DetailResult(StatusCodes.Status503ServiceUnavailable, "The metadata service does not answer", RetryAfterSeconds),
        _ => null,
    };
}
