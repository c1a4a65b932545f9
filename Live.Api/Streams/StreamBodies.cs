using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Live;
using static Lifecycle.Store.Live.StreamMoves;

namespace Live.Api.Streams;

/// <summary>The answer to POST /streams: these fields and no other.</summary>
public sealed record AcceptedBody(string StreamId, string DetailType, string StateMachineArn, string AcceptedAt);

/// <summary>The answer to PUT /streams.</summary>
/// <param name="Reason">As it was given; absent where it was not, or was empty.</param>
public sealed record UpdatedBody(string StreamId, string Status, string DetailType, string UpdatedAt, string? Reason);

/// <param name="PushUrl">Where the broadcaster pushes to, with the stream's key; absent where the input comes from elsewhere.</param>
/// <param name="Error">Why the last input was not taken; absent where it was, or none has come.</param>
public sealed record IngestBody(IReadOnlyList<IngestEndpoint> Endpoints, string? PushUrl, string? Error);

/// <param name="LeftAt">Absent: it is in it.</param>
/// <param name="Seconds">That it took, or has taken until now.</param>
/// <param name="Outcome">Started, Success, Failure, Ready, Failed or Timeout; absent: it is in it.</param>
public sealed record StepBody(string State, string EnteredAt, string? LeftAt, double Seconds, int Attempts, string? Outcome, string? Reason);

/// <param name="Attempt">Of the present step.</param>
/// <param name="Error">Why it failed.</param>
public sealed record WorkflowBody(string Name, string State, string EnteredAt, int Attempt, string? Error, IReadOnlyList<StepBody>? Steps);

/// <param name="PlaybackUrl">Absent until ConfigurePlaybackEndpoints; with the entitlement, where one is needed.</param>
/// <param name="VideoId">The video that the recording becomes when the broadcast is over.</param>
/// <param name="RecordingError">Why it does not.</param>
public sealed record StreamBody(
    string StreamId, string Title, string Status, string? Reason, string StartTime, string AcceptedAt, string UpdatedAt, string? ReadyAt, string? LiveAt, string? EndedAt,
    IReadOnlyDictionary<string, string>? Metadata, IngestBody Ingest, string? PlaybackUrl, Guid VideoId, string? RecordingError, WorkflowBody Workflow)
{
    /// <param name="steps">Null in lists.</param>
    public static StreamBody Of(StreamDetails stream, IReadOnlyList<StreamStep>? steps, string? pushUrl, DateTimeOffset now) => new(
        stream.Id, stream.Title, StreamLifecycle.Table.NameOf(stream.Status), stream.Reason, Timestamp(stream.StartTime), Timestamp(stream.AcceptedAt), Timestamp(stream.StatusAt), Optional(stream.ReadyAt),
        Optional(stream.LiveAt), Optional(stream.EndedAt), stream.Metadata.Count == 0 ? null : stream.Metadata, new(stream.IngestEndpoints, pushUrl, stream.InputError), PlaybackUrlOf(stream), stream.VideoId,
        stream.RecordingError,
        new(ProvisionWorkflow.Name, ProvisionWorkflow.Table.NameOf(stream.Workflow), Timestamp(stream.WorkflowEnteredAt), stream.WorkflowAttempt, stream.WorkflowError,
            steps is null ? null : [.. steps.Select(step => Of(step, now))]));

    private static StepBody Of(StreamStep step, DateTimeOffset now) => new(
        ProvisionWorkflow.Table.NameOf(step.State), Timestamp(step.EnteredAt), Optional(step.LeftAt), SecondsOf(step, now), step.Attempts, step.Outcome, step.Reason);

    /// <summary>A final state takes no time; the clocks of database and service differ a little.</summary>
    private static double SecondsOf(StreamStep step, DateTimeOffset now) =>
        ProvisionWorkflow.IsOver(step.State) ? 0 : Math.Round(Math.Max(0, ((step.LeftAt ?? now.UtcDateTime) - step.EnteredAt).TotalSeconds), 3);

    private static string? PlaybackUrlOf(StreamDetails stream) =>
        stream.PlaybackAt is null ? null : $"/stream/{stream.Id}/manifest{(stream.Entitlement is { } entitlement ? $"?entitlement={Uri.EscapeDataString(entitlement)}" : "")}";

    private static string? Optional(DateTime? at) => at is { } time ? Timestamp(time) : null;
}

/// <param name="Next">Send it as <c>after</c> for the next page; absent on the last.</param>
public sealed record StreamsBody(IReadOnlyList<StreamBody> Streams, string? Next);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AcceptedBody))]
[JsonSerializable(typeof(UpdatedBody))]
[JsonSerializable(typeof(StreamBody))]
[JsonSerializable(typeof(StreamsBody))]
internal sealed partial class StreamBodyJson : JsonSerializerContext
{
    /// <summary>As answers have it: a time's <c>+</c> stands as it is. Nothing of it ends up in HTML.</summary>
    public static StreamBodyJson Wire => field ??= new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
