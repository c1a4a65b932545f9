using System.Text.Json;
using Lifecycle.Contracts.Live;
using VideoPlatform.ServiceDefaults;

namespace Live.Api.Streams;

/// <param name="Reason">Null where there is none, or an empty one.</param>
internal sealed record StreamUpdateRequest(string StreamId, StreamStatus Status, string? Reason);

/// <summary>Checks the body of PUT /streams against its schema.</summary>
internal static class StreamUpdateReader
{
    public const int LongestReason = 280;

    /// <summary>In the seed's order, which is not the life's.</summary>
    public static IReadOnlyList<string> Statuses { get; } =
        [.. new[] { StreamStatus.Provisioning, StreamStatus.Ready, StreamStatus.Live, StreamStatus.Failed, StreamStatus.Complete }.Select(StreamLifecycle.Table.NameOf)];

    /// <returns>What is wrong, or null.</returns>
    public static MessageResult? Read(JsonElement body, out StreamUpdateRequest request)
    {
        Issues issues = new();
        var hasId = issues.Requires(body, "streamId", "streamId", out var id);
        issues.Requires(body, "status", "status", out var given);
        var streamId = hasId ? StreamRequestReader.ReadId(id, issues) : "";
        var status = given.ValueKind == JsonValueKind.String ? StreamLifecycle.Table.Find(given.GetString()!) : null;
        if (status is null)
        {
            issues.Add($"status must be one of {string.Join(", ", Statuses)}.");
        }

        string? reason = null;
        if (body.TryGetProperty("reason", out var why) && issues.ReadsText(why, "reason", LongestReason, out var text) && text.Length > 0)
        {
            reason = text;
        }

        issues.RefuseOthers(body, "", "streamId", "status", "reason");
        request = new(streamId, status ?? default, reason);
        return issues.Count > 0 ? issues.ToResult() : null;
    }
}
