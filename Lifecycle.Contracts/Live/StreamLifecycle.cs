namespace Lifecycle.Contracts.Live;

/// <summary>A live stream as its broadcaster and its viewers see it (seed 001).</summary>
public enum StreamStatus
{
    /// <summary>Accepted: its input is not there yet, or nothing of it can be played yet.</summary>
    Provisioning,

    /// <summary>The input is connected and the first segments of every rendition can be played.</summary>
    Ready,

    /// <summary>It goes on.</summary>
    Live,

    /// <summary>The broadcast has ended; what was recorded becomes a video. Final.</summary>
    Complete,

    /// <summary>It never came to be, or somebody gave it up. What was recorded becomes a video all the same. Final.</summary>
    Failed,
}

public enum StreamTrigger
{
    Requested,
    Readied,
    WentLive,
    Completed,
    Failed,
}

/// <summary>The only place that names two statuses of a stream together.</summary>
public static class StreamLifecycle
{
    public static StateTable<StreamStatus, StreamTrigger> Table { get; } = new(status => status.ToString().ToUpperInvariant(),
    [
        new(null, StreamTrigger.Requested, StreamStatus.Provisioning, "POST /streams"),
        new(StreamStatus.Provisioning, StreamTrigger.Readied, StreamStatus.Ready, "the orchestrator's PublishReadyNotification, or PUT /streams", "the orchestrator, after 15 minutes"),
        new(StreamStatus.Ready, StreamTrigger.WentLive, StreamStatus.Live, "the encoder, with its next segment, or PUT /streams"),
        new(StreamStatus.Live, StreamTrigger.Completed, StreamStatus.Complete, "the encoder, when the input stays away, or PUT /streams", "another worker, when the lease runs out"),
        new(StreamStatus.Provisioning, StreamTrigger.Failed, StreamStatus.Failed, "the orchestrator's HandleProvisionFailure, or PUT /streams"),
        new(StreamStatus.Ready, StreamTrigger.Failed, StreamStatus.Failed, "PUT /streams, or the encoder, when nothing follows the first segments"),
        new(StreamStatus.Live, StreamTrigger.Failed, StreamStatus.Failed, "PUT /streams"),
    ]);

    /// <summary>Nothing follows.</summary>
    public static bool IsOver(StreamStatus status) => Table.AllowedIn(status).Count == 0;
}
