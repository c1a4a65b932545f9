using Lifecycle.Contracts;
using Lifecycle.Contracts.Videos;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Api.Videos;

/// <summary>What a replica knows of a video: either it is served, or why not.</summary>
public sealed class VideoAnswer
{
    private const int UnavailableRetrySeconds = 2;
    private const int ProcessingRetrySeconds = 5;

    /// <summary>A failed video needs somebody's help first.</summary>
    private const int FailedRetrySeconds = 60;

    private VideoAnswer(ServedVideo? video, ProblemResult? problem)
    {
        Video = video;
        Problem = problem;
    }

    /// <summary>Unknown, deleted, or not for clients to know of.</summary>
    public static VideoAnswer Missing { get; } = new(null, Problems.UnknownVideo.ToResult());

    /// <summary>Not cached here, and the database is away.</summary>
    public static VideoAnswer Unavailable { get; } = new(null, Problems.Unavailable.ToResult(retryAfterSeconds: UnavailableRetrySeconds));

    public ServedVideo? Video { get; }

    /// <summary>Set where <see cref="Video"/> is not.</summary>
    public ProblemResult? Problem { get; }

    public static VideoAnswer Served(ServedVideo video) => new(video, null);

    public static VideoAnswer NotReady(VideoState state) => new(null, new(
        Problems.NotReady, retryAfterSeconds: state == VideoState.Failed ? FailedRetrySeconds : ProcessingRetrySeconds, state: VideoLifecycle.Table.NameOf(state)));
}
