using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Lifecycle.Contracts.Webhooks;

namespace Lifecycle.Store.Webhooks;

/// <param name="Progress">0 to 100.</param>
/// <param name="Error">Of a failed job.</param>
public sealed record JobEventData(
    Guid Id, Guid VideoId, string Status, int Priority, double Progress, DateTime CreatedAt, DateTime? StartedAt, DateTime? FinishedAt, JobErrorData? Error);

public sealed record JobErrorData(string Category, string Reason);

/// <param name="Size">Bytes of the source.</param>
/// <param name="Status">pending, ready, failed or deleted.</param>
/// <param name="Reason">Of a failed video.</param>
public sealed record VideoEventData(Guid Id, string? Filename, long? Size, string Status, string? Reason);

/// <param name="Status">READY, COMPLETE or FAILED.</param>
/// <param name="Reason">Of a failed stream; of the others where somebody gave one.</param>
/// <param name="VideoId">The video that its recording is, or becomes.</param>
public sealed record StreamEventData(string Id, string Title, string Status, string? Reason, Guid VideoId);

/// <param name="Id">The webhook that gets nothing more. Its url stays out: it may hold a secret that the other receivers do not share.</param>
public sealed record WebhookDisabledData(Guid Id, string Reason);

public sealed record WebhookTestData(Guid WebhookId);

/// <param name="Limit">Videos a day.</param>
/// <param name="ResetsAt">When the next day begins.</param>
public sealed record QuotaExceededData(int Limit, DateTimeOffset ResetsAt);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(JobEventData))]
[JsonSerializable(typeof(VideoEventData))]
[JsonSerializable(typeof(StreamEventData))]
[JsonSerializable(typeof(WebhookDisabledData))]
[JsonSerializable(typeof(WebhookTestData))]
[JsonSerializable(typeof(QuotaExceededData))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, bool>))]
internal sealed partial class WebhookJson : JsonSerializerContext;

/// <summary>The body of a delivery as seed 004 has it: <c>{"event":"job.completed","timestamp":"2025-01-17T10:30:00Z","data":{...}}</c>.</summary>
internal static class WebhookPayload
{
    public static byte[] Of<T>(string name, DateTime at, T data, JsonTypeInfo<T> json)
    {
        ArrayBufferWriter<byte> bytes = new(512);
        using Utf8JsonWriter writer = new(bytes);
        writer.WriteStartObject();
        writer.WriteString("event", name);
        writer.WriteString("timestamp", at.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'"));
        writer.WritePropertyName("data");
        JsonSerializer.Serialize(writer, data, json);
        writer.WriteEndObject();
        writer.Flush();
        return bytes.WrittenSpan.ToArray();
    }

    public static string VideoStatus(string name) => name switch
    {
        WebhookEvents.VideoUploaded => "pending",
        WebhookEvents.VideoReady => "ready",
        WebhookEvents.VideoFailed => "failed",
        WebhookEvents.VideoDeleted => "deleted",
        _ => throw new ArgumentOutOfRangeException(nameof(name), name, "No event of a video."),
    };
}
