using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;

namespace Bench;

/// <summary>A video on the nodes, uploaded as seed 002's clients do it.</summary>
public static class ChunkedVideo
{
    private static readonly TimeSpan _lookEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>Returns when the upload session says that all chunks are committed.</summary>
    public static async Task<Guid> UploadAsync(Platform platform, string path, CancellationToken ct)
    {
        await using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, useAsync: true);
        using StreamContent part = new(file, bufferSize: 1 << 20);
        part.Headers.ContentType = new MediaTypeHeaderValue("video/mp4");
        using MultipartFormDataContent form = new() { { new StringContent("Bench"), "title" }, { part, "video", "bench.mp4" } };
        using var answer = await platform.Http.PostAsync("/upload", form, ct);
        answer.EnsureSuccessStatusCode();
        var upload = await answer.Content.ReadFromJsonAsync<JsonElement>(ct);
        while (true)
        {
            var session = await platform.Http.GetFromJsonAsync<JsonElement>(upload.GetProperty("status_url").GetString(), ct);
            switch (session.GetProperty("status").GetString())
            {
                case "completed":
                    return upload.GetProperty("video_id").GetGuid();
                case "failed":
                    throw new InvalidOperationException($"The upload failed: {session}");
                default:
                    await Task.Delay(_lookEvery, TimeProvider.System, ct);
                    break;
            }
        }
    }
}
