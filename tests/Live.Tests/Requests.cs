using System.Text.Json;

namespace Live.Tests;

/// <summary>Bodies as clients send them.</summary>
internal static class Requests
{
    public static string NewId(string what = "stream") => $"{what}-{Guid.NewGuid():N}"[..Math.Min(what.Length + 17, 64)];

    /// <param name="start">Null: long ago.</param>
    public static string Stream(string id, string title = "The launch", string? start = null, object? metadata = null) => metadata is null
        ? JsonSerializer.Serialize(new { streamId = id, title, startTime = start ?? "2020-01-01T00:00:00Z", ingestEndpoints = Own(id) })
        : JsonSerializer.Serialize(new { streamId = id, title, startTime = start ?? "2020-01-01T00:00:00Z", ingestEndpoints = Own(id), metadata });

    public static object[] Own(string id) => [new { protocol = "rtmp", url = $"{LiveHost.Ingest}/{id}" }];

    public static string Status(string id, string status, string? reason = null) =>
        reason is null ? JsonSerializer.Serialize(new { streamId = id, status }) : JsonSerializer.Serialize(new { streamId = id, status, reason });
}
