namespace Lifecycle.Contracts.Videos;

/// <summary>Where a video stands. Only UPLOADED, PROCESSING, READY and FAILED are visible to clients; the others answer 404.</summary>
public enum VideoState
{
    /// <summary>Bytes are arriving. Entered by Upload.Api, left by it; the reaper aborts it when its lease runs out.</summary>
    Uploading,

    /// <summary>All bytes were sent and the object is being completed in the store. Recovery finishes it forward.</summary>
    Completing,

    /// <summary>The reaper is taking an abandoned upload apart. The row goes last.</summary>
    Aborting,

    /// <summary>The source is durable and a job waits for it. A worker's claim moves it on; workers poll, so no message is needed.</summary>
    Uploaded,

    /// <summary>Tasks run. Leases expire and are re-queued by the rescuer, so somebody always moves it on.</summary>
    Processing,

    /// <summary>Every output is verified and streaming is permitted. Final but for deletion.</summary>
    Ready,

    /// <summary>It will not become READY by itself; category and reason say why. Left by a retry or by deletion.</summary>
    Failed,

    /// <summary>Unknown to clients from here on; the sweeper removes the objects.</summary>
    Deleted,
}

public enum VideoTrigger
{
    UploadBegun,
    BytesSent,
    ObjectVerified,
    ObjectMissing,
    UploadExpired,
    WorkClaimed,
    OutputsVerified,
    ProcessingFailed,
    Retried,
    Deleted,
}

/// <summary>The only place that names two video states together.</summary>
public static class VideoLifecycle
{
    private static readonly string[] _visible = ["UPLOADED", "PROCESSING", "READY", "FAILED"];

    public static StateTable<VideoState, VideoTrigger> Table { get; } = new(state => state.ToString().ToUpperInvariant(),
    [
        new(null, VideoTrigger.UploadBegun, VideoState.Uploading, "Upload.Api", "reaper"),
        new(VideoState.Uploading, VideoTrigger.BytesSent, VideoState.Completing, "Upload.Api, before it completes the object", "upload recovery"),
        new(VideoState.Uploading, VideoTrigger.UploadExpired, VideoState.Aborting, "reaper, or Upload.Api when the client is gone", "reaper"),
        new(VideoState.Completing, VideoTrigger.ObjectVerified, VideoState.Uploaded, "Upload.Api or upload recovery", "upload recovery"),
        new(VideoState.Completing, VideoTrigger.ObjectMissing, VideoState.Uploading, "upload recovery, when the store has neither object nor upload", "reaper"),
        new(VideoState.Uploaded, VideoTrigger.WorkClaimed, VideoState.Processing, "worker", "workers poll"),
        new(VideoState.Processing, VideoTrigger.OutputsVerified, VideoState.Ready, "the transaction that ends the last task", "rescuer"),
        new(VideoState.Uploaded, VideoTrigger.ProcessingFailed, VideoState.Failed, "worker, rescuer, API"),
        new(VideoState.Processing, VideoTrigger.ProcessingFailed, VideoState.Failed, "worker, rescuer, API"),
        new(VideoState.Failed, VideoTrigger.Retried, VideoState.Uploaded, "operator or API", "workers poll"),
        new(VideoState.Uploaded, VideoTrigger.Deleted, VideoState.Deleted, "API", "sweeper removes the objects"),
        new(VideoState.Processing, VideoTrigger.Deleted, VideoState.Deleted, "API", "sweeper removes the objects"),
        new(VideoState.Ready, VideoTrigger.Deleted, VideoState.Deleted, "API", "sweeper removes the objects"),
        new(VideoState.Failed, VideoTrigger.Deleted, VideoState.Deleted, "API", "sweeper removes the objects"),
    ]);

    /// <summary>The names of the states that clients may see.</summary>
    public static IReadOnlyList<string> VisibleNames => _visible;

    /// <summary>False for the internal states, which answer 404.</summary>
    public static bool IsVisible(VideoState state) => _visible.Contains(Table.NameOf(state), StringComparer.Ordinal);

    /// <summary>The states after which a status stream closes.</summary>
    public static bool EndsStatusStream(VideoState state) => state is VideoState.Ready or VideoState.Failed or VideoState.Deleted;
}
