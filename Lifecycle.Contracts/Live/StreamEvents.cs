using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Lifecycle.Contracts.Live;

/// <summary>The envelope of seed 001, as EventBridge has it. A consumer treats the same AMQP <c>message_id</c> as the same event.</summary>
/// <param name="DetailType">What it tells: the detail's name.</param>
/// <param name="Source">Who tells it; configurable.</param>
public sealed record StreamEvent<T>([property: JsonPropertyName("detail-type")] string DetailType, string Source, T Detail);

/// <param name="Protocol">rtmp, rtmps or srt.</param>
/// <param name="Url">Where the encoder's input comes from.</param>
/// <param name="BackupUrl">Where it comes from when <paramref name="Url"/> gives nothing.</param>
public sealed record IngestEndpoint(string Protocol, string Url, string? BackupUrl);

/// <summary>Somebody wants to go live.</summary>
/// <param name="StartTime">Whole seconds with an offset, as the seed writes it.</param>
public sealed record StreamProvisionRequested(
    string StreamId, IReadOnlyList<IngestEndpoint> IngestEndpoints, string Title, string StartTime, IReadOnlyDictionary<string, string>? Metadata)
{
    public const string DetailType = nameof(StreamProvisionRequested);
}

/// <summary>A stream has a new status.</summary>
/// <param name="Status">By its wire name.</param>
public sealed record StreamLifecycleProgressed(string StreamId, string Status, string? Reason, string? OccurredAt)
{
    public const string DetailType = nameof(StreamLifecycleProgressed);
}

/// <summary>Inside of the platform, on <c>video.events</c>: something happened that the workflow of a stream waits for; it reads what.</summary>
public sealed record StreamWake(string StreamId)
{
    public const string Type = "videoplatform.stream.wake.v1";
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StreamEvent<StreamProvisionRequested>))]
[JsonSerializable(typeof(StreamEvent<StreamLifecycleProgressed>))]
[JsonSerializable(typeof(StreamWake))]
[JsonSerializable(typeof(IReadOnlyList<IngestEndpoint>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
public sealed partial class StreamJson : JsonSerializerContext
{
    /// <summary>As events have it: a time's <c>+</c> stands as it is.</summary>
    public static StreamJson Wire => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
