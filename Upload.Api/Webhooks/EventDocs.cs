using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Webhooks;
using Upload.Api.OpenApi;

namespace Upload.Api.Webhooks;

/// <summary>What a delivery brings.</summary>
/// <param name="Event">The event's name, <c>job.completed</c>.</param>
public sealed record EventBody<T>(string Event, DateTimeOffset Timestamp, T Data)
    where T : class;

/// <summary>What the platform sends of one event.</summary>
public sealed record EventDoc(string Name, string Summary, BodyDoc Body);

/// <summary>Every event with an example of its payload.</summary>
public static class EventDocs
{
    internal const string JobCompleted = $$"""{"event":"job.completed","timestamp":"2025-01-17T10:30:00Z","data":{{{Job}},"status":"completed","progress":100,"finished_at":"2025-01-17T10:30:00Z"} }""";

    private const string Job = $$"""
        "id":"{{Example.Job}}","video_id":"{{Example.Video}}","priority":10,"created_at":"2025-01-17T09:55:00Z","started_at":"2025-01-17T10:00:00Z"
        """;

    private const string Video = $$"""
        "id":"{{Example.Video}}","filename":"video.mp4","size":1234567
        """;

    private const string Stream = $$"""
        "id":"launch-2025","title":"The launch","video_id":"{{Example.Video}}"
        """;

    public static IReadOnlyList<EventDoc> All { get; } =
    [
        Of<JobEventData>(WebhookEvents.JobStarted, "A job's first work has begun", $$"""{{{Job}},"status":"processing","progress":0}"""),
        new(WebhookEvents.JobCompleted, "A job is done", BodyDoc.Json<EventBody<JobEventData>>(JobCompleted)),
        Of<JobEventData>(WebhookEvents.JobFailed, "A job failed for good", $$"""
            {{{Job}},"status":"failed","progress":45.5,"finished_at":"2025-01-17T10:20:00Z","error":{"category":"media","reason":"The video stream cannot be decoded."} }
            """),
        Of<JobEventData>(WebhookEvents.JobProgress, "How far a job is; only the latest is kept", $$"""{{{Job}},"status":"processing","progress":45.5}"""),
        Of<VideoEventData>(WebhookEvents.VideoUploaded, "A video's source is durable", $$"""{{{Video}},"status":"pending"}"""),
        Of<VideoEventData>(WebhookEvents.VideoReady, "A video can be played", $$"""{{{Video}},"status":"ready"}"""),
        Of<VideoEventData>(WebhookEvents.VideoFailed, "A video cannot be processed", $$"""{{{Video}},"status":"failed","reason":"The video stream cannot be decoded."}"""),
        Of<VideoEventData>(WebhookEvents.VideoDeleted, "A video was deleted", $$"""{{{Video}},"status":"deleted"}"""),
        Of<StreamEventData>(WebhookEvents.StreamReady, "A live stream can be played", $$"""{{{Stream}},"status":"READY"}"""),
        Of<StreamEventData>(WebhookEvents.StreamCompleted, "A broadcast has ended; its recording becomes a video", $$"""{{{Stream}},"status":"COMPLETE"}"""),
        Of<StreamEventData>(WebhookEvents.StreamFailed, "A live stream could not be provisioned, or was given up", $$"""{{{Stream}},"status":"FAILED","reason":"No confirmation came within 900 s."}"""),
        Of<QuotaExceededData>(WebhookEvents.QuotaExceeded, "The day's quota is used up; told once a day", """{"limit":100,"resets_at":"2025-01-18T00:00:00Z"}"""),
        Of<WebhookDisabledData>(WebhookEvents.WebhookDisabled, "Another webhook of the account was switched off", $$"""{"id":"{{Example.Webhook}}","reason":"The receiver answered 410 Gone."}"""),
        Of<WebhookTestData>(WebhookEvents.Test, "Asked for by POST .../test", $$"""{"webhook_id":"{{Example.Webhook}}"}"""),
    ];

    private static EventDoc Of<T>(string name, string summary, string data)
        where T : class =>
        new(name, summary, BodyDoc.Json<EventBody<T>>($$"""{"event":"{{name}}","timestamp":"2025-01-17T10:30:00Z","data":{{data}}}"""));
}
