using System.Diagnostics;
using System.Net;
using Testing;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Seed 000 through the gateway, and the first of the crashes.</summary>
public sealed class Contract(Platform platform)
{
    private static readonly TimeSpan _readyWithin = TimeSpan.FromMinutes(2);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_uploaded_video_becomes_READY_and_its_manifest_and_segments_are_served()
    {
        var video = await platform.UploadAsync(await SourceAsync(), Ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, _readyWithin, Ct));

        using var manifest = await platform.Http.GetAsync($"/stream/{video}/manifest", Ct);
        Assert.Equal("application/vnd.apple.mpegurl", manifest.Content.Headers.ContentType?.MediaType);
        var media = (await manifest.Content.ReadAsStringAsync(Ct)).Split('\n').First(line => line.StartsWith("manifest/", StringComparison.Ordinal));
        var playlist = await platform.Http.GetStringAsync($"/stream/{video}/{media}", Ct);
        var segment = playlist.Split('\n').First(line => line.StartsWith("../segment/", StringComparison.Ordinal))[3..];
        using HttpRequestMessage ranged = new(HttpMethod.Get, $"/stream/{video}/{segment}");
        ranged.Headers.Range = new(0, 99);
        using var part = await platform.Http.SendAsync(ranged, Ct);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(100, (await part.Content.ReadAsByteArrayAsync(Ct)).Length);
        using var unknown = await platform.Http.GetAsync($"/stream/{video}/segment/v1-240p-99999.m4s", Ct);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task A_worker_killed_in_a_chunk_costs_a_lease_and_no_video()
    {
        await File.WriteAllTextAsync(Path.Combine(platform.Faults, "TaskChunk"), "kill", Ct);
        var video = await platform.UploadAsync(await SourceAsync(), Ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, _readyWithin, Ct));
        Assert.Single(Directory.EnumerateFiles(platform.Faults, "TaskChunk.*.hit"));
    }

    [Fact]
    public async Task Text_renamed_to_mp4_is_FAILED_with_a_reason_and_409_at_the_stream()
    {
        var video = await platform.UploadAsync("this is no video, whatever its name says"u8.ToArray(), Ct);
        Assert.Equal("FAILED", await platform.EndStateAsync(video, _readyWithin, Ct));
        Assert.Contains("\"category\":\"media\"", await platform.Http.GetStringAsync($"/video/{video}/status", Ct), StringComparison.Ordinal);
        using var manifest = await platform.Http.GetAsync($"/stream/{video}/manifest", Ct);
        Assert.Equal(HttpStatusCode.Conflict, manifest.StatusCode);
    }

    [Fact]
    public async Task Refusals_are_those_of_the_contract()
    {
        using var noFile = await platform.Http.PostAsync("/upload", Platform.Form([1], "other"), Ct);
        Assert.Equal(HttpStatusCode.BadRequest, noFile.StatusCode);
        using var empty = await platform.Http.PostAsync("/upload", Platform.Form([]), Ct);
        Assert.Equal(HttpStatusCode.BadRequest, empty.StatusCode);
        using var method = await platform.Http.GetAsync("/upload", Ct);
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "POST"), (method.StatusCode, string.Join(',', method.Content.Headers.Allow)));
        foreach (var path in (string[])["/video/nope/status", $"/video/{Guid.NewGuid()}/status", $"/video/{Guid.NewGuid()}/status/stream", $"/stream/{Guid.NewGuid()}/manifest"])
        {
            using var missing = await platform.Http.GetAsync(path, Ct);
            Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        }

        Assert.Contains("\"workers\":[", await platform.Http.GetStringAsync("/workers", Ct), StringComparison.Ordinal);
        using var health = await platform.Http.GetAsync("/health", Ct);
        Assert.Equal(HttpStatusCode.OK, health.StatusCode);
    }

    private static async Task<byte[]> SourceAsync()
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.mp4");
        using var ffmpeg = Process.Start("ffmpeg", ["-nostdin", "-v", "error", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=8", "-f", "lavfi", "-i", "sine=d=8", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", path]);
        await ffmpeg.WaitForExitAsync(Ct);
        var bytes = await File.ReadAllBytesAsync(path, Ct);
        File.Delete(path);
        return bytes;
    }
}
