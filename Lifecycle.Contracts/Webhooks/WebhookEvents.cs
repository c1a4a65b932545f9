using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Videos;

namespace Lifecycle.Contracts.Webhooks;

/// <summary>What a webhook may be told, by the names of its payloads (<c>job.started</c>); a subscription has them with an underscore (<c>job_started</c>).</summary>
public static class WebhookEvents
{
    /// <summary>A job's first claim, and the first one after a replay; not when a paused job goes on.</summary>
    public const string JobStarted = "job.started";

    public const string JobCompleted = "job.completed";

    /// <summary>Failed for good; a job that its owner cancels is no news to him.</summary>
    public const string JobFailed = "job.failed";

    /// <summary>Coalesced: at most one waits for each job and webhook, with the latest figure.</summary>
    public const string JobProgress = "job.progress";

    /// <summary>The source is durable. Not again when a failed video is replayed.</summary>
    public const string VideoUploaded = "video.uploaded";

    public const string VideoReady = "video.ready";

    public const string VideoFailed = "video.failed";

    public const string VideoDeleted = "video.deleted";

    /// <summary>The encoder runs: viewers can be let in.</summary>
    public const string StreamReady = "stream.ready";

    public const string StreamCompleted = "stream.completed";

    /// <summary>It was not provisioned, or somebody gave it up.</summary>
    public const string StreamFailed = "stream.failed";

    public const string QuotaExceeded = "quota.exceeded";

    /// <summary>Told to the other webhooks of the same owner.</summary>
    public const string WebhookDisabled = "webhook.disabled";

    /// <summary>Sent on demand to one webhook, whatever it subscribes to.</summary>
    public const string Test = "webhook.test";

    private static readonly string[] _subscribable =
        [JobStarted, JobCompleted, JobFailed, JobProgress, VideoUploaded, VideoReady, VideoFailed, VideoDeleted, StreamReady, StreamCompleted, StreamFailed, QuotaExceeded, WebhookDisabled];

    private static readonly string[] _keys = [.. _subscribable.Select(KeyOf)];

    /// <summary>The names in a webhook's <c>events</c>.</summary>
    public static IReadOnlyList<string> Keys => _keys;

    /// <summary>The name of an event in a webhook's <c>events</c>.</summary>
    public static string KeyOf(string name) => name.Replace('.', '_');

    /// <summary>What a video's move tells; null: nothing.</summary>
    public static string? Of(VideoTrigger trigger) => trigger switch
    {
        VideoTrigger.ObjectVerified => VideoUploaded,
        VideoTrigger.OutputsVerified => VideoReady,
        VideoTrigger.ProcessingFailed => VideoFailed,
        VideoTrigger.Deleted => VideoDeleted,
        _ => null,
    };

    /// <summary>What a stream's new status tells; null: nothing.</summary>
    public static string? Of(StreamStatus status) => status switch
    {
        StreamStatus.Ready => StreamReady,
        StreamStatus.Complete => StreamCompleted,
        StreamStatus.Failed => StreamFailed,
        _ => null,
    };

    /// <summary>What a job's move tells; null: nothing.</summary>
    public static string? Of(JobTrigger trigger) => trigger switch
    {
        JobTrigger.WorkClaimed => JobStarted,
        JobTrigger.LastTaskDone => JobCompleted,
        JobTrigger.TaskFailed => JobFailed,
        _ => null,
    };
}
