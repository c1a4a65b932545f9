using Lifecycle.Contracts;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Api.Live;

/// <summary>What a replica knows of a stream: either a view of it, or why not.</summary>
internal sealed class LiveAnswer
{
    private LiveAnswer(LiveView? view, ProblemResult? problem) => (View, Problem) = (view, problem);

    /// <summary>Whoever asks for a name that stands for nothing learns no more than of an unknown video.</summary>
    public static LiveAnswer Missing { get; } = new(null, Problems.UnknownVideo.ToResult());

    /// <summary>The database is away, for longer than what was last known may be shown.</summary>
    public static LiveAnswer Unavailable { get; } = new(null, Problems.Unavailable.ToResult(retryAfterSeconds: LivePlaylist.TargetSeconds));

    public LiveView? View { get; }

    /// <summary>Set where <see cref="View"/> is not.</summary>
    public ProblemResult? Problem { get; }

    public static LiveAnswer Known(LiveView view) => new(view, null);
}
