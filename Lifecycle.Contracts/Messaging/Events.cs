using System.Text.Json.Serialization;

namespace Lifecycle.Contracts.Messaging;

/// <summary>CloudEvents 1.0, structured JSON. A consumer treats the same <paramref name="Id"/> as the same event.</summary>
/// <param name="Type">Name and version: a change that an old consumer cannot read is a new version.</param>
/// <param name="Subject">The id of the video, or of the account.</param>
public sealed record CloudEvent<T>(string Id, string Source, string Type, string Subject, DateTimeOffset Time, T Data)
{
    [JsonPropertyName("specversion")]
    public string SpecVersion { get; init; } = "1.0";

    [JsonPropertyName("datacontenttype")]
    public string DataContentType { get; init; } = "application/json";
}

/// <param name="VideoId">The video.</param>
/// <param name="Sequence">Grows by one with every change of this video: a consumer drops what is not newer than what it has.</param>
/// <param name="State">The new state by its wire name; DELETED is among them, for consumers inside the platform.</param>
/// <param name="At">When the change was made, by the database's clock.</param>
/// <param name="Reason">Why it failed; null otherwise.</param>
public sealed record VideoStateChanged(Guid VideoId, long Sequence, string State, DateTimeOffset At, string? Reason)
{
    public const string Type = "videoplatform.video.state-changed.v1";
}

/// <summary>An account has asked for more videos than its day has: told once for an account and a day.</summary>
/// <param name="Limit">Videos a day.</param>
/// <param name="ResetsAt">When its next day begins.</param>
public sealed record QuotaExceeded(Guid UserId, int Limit, DateTimeOffset ResetsAt)
{
    public const string Type = "videoplatform.account.quota-exceeded.v1";
}

/// <summary>There may be work. Carries no order and no task: the receiver claims whatever is first.</summary>
public sealed record WorkPermit(Guid JobId)
{
    public const string Type = "videoplatform.work.permit.v1";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(CloudEvent<VideoStateChanged>))]
[JsonSerializable(typeof(CloudEvent<WorkPermit>))]
[JsonSerializable(typeof(CloudEvent<QuotaExceeded>))]
public sealed partial class EventJson : JsonSerializerContext;
