using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>What the tests upload and ask for again and again.</summary>
internal static class Library
{
    public static readonly TimeSpan EndsWithin = TimeSpan.FromMinutes(3);

    private static readonly SemaphoreSlim _once = new(1);

    private static Guid? _ready;

    public static byte[] Text => "this is no video, whatever its name says"u8.ToArray();

    /// <summary>Two segments, two renditions, sound.</summary>
    public static async Task<byte[]> ClipAsync(CancellationToken ct) => await File.ReadAllBytesAsync(await Sources.GetAsync("50", "640x360"), ct);

    /// <summary>A READY video that all tests share; nobody deletes it.</summary>
    public static async Task<Guid> ReadyAsync(Platform platform, CancellationToken ct)
    {
        await _once.WaitAsync(ct);
        try
        {
            return _ready ??= await NewReadyAsync(platform, ct);
        }
        finally
        {
            _once.Release();
        }
    }

    public static async Task<Guid> NewReadyAsync(Platform platform, CancellationToken ct)
    {
        var video = await platform.UploadAsync(await ClipAsync(ct), ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, EndsWithin, ct));
        return video;
    }

    /// <summary>Posts a file by seed 002's form.</summary>
    public static async Task<(Guid Video, string StatusUrl)> UploadChunksAsync(this HttpClient http, string title, byte[] file, string name, CancellationToken ct)
    {
        using MultipartFormDataContent form = new() { { new StringContent(title), "title" }, { new ByteArrayContent(file), "video", name } };
        using var answer = await http.PostAsync("/upload", form, ct);
        Assert.Equal(200, (int)answer.StatusCode);
        var body = await answer.JsonAsync(ct);
        return (body.GetProperty("video_id").GetGuid(), body.GetProperty("status_url").GetString()!);
    }

    /// <summary>Waits for the end of its upload session: every chunk is committed.</summary>
    public static async Task<JsonElement> ChunkedAsync(this Platform platform, string statusUrl, TimeSpan within, CancellationToken ct)
    {
        var session = await Poll.UntilAsync(
            () => platform.Http.GetFromJsonAsync<JsonElement>(statusUrl, ct), seen => seen.GetProperty("status").GetString() is "completed" or "failed", within, "the end of the upload");
        Assert.Equal("completed", session.GetProperty("status").GetString());
        return session;
    }

    public static HttpClient Client(this Platform platform, string replica) => platform.Application.CreateHttpClient(replica, "http");

    /// <summary>A new account's requests to a replica or to the gateway.</summary>
    public static async Task<SessionClient> AccountAsync(this Platform platform, string replica, CancellationToken ct)
    {
        using var registered = await platform.Http.PostAsJsonAsync("/api/v1/auth/register", new { email = $"{Guid.NewGuid():N}@example.com", password = $"{Guid.NewGuid()}" }, ct);
        var account = await registered.JsonAsync(ct);
        return new(platform.Address(replica), account.GetProperty("api_key").GetString()!, account.GetProperty("id").GetGuid());
    }

    /// <summary>The stored source, byte for byte.</summary>
    public static async Task SourceIsAsync(this Platform platform, Guid video, byte[] content, CancellationToken ct)
    {
        await using var stored = await platform.Store.Get<ObjectStore>().OpenReadAsync(ObjectKeys.Source(video), 0, ct);
        Assert.NotNull(stored);
        Assert.Equal(SHA256.HashData(content), await SHA256.HashDataAsync(stored, ct));
    }

    public static Uri Address(this Platform platform, string replica) => platform.Application.GetEndpoint(replica, "http");

    public static async Task<JsonElement> JsonAsync(this HttpResponseMessage answer, CancellationToken ct)
    {
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(ct));
        return body.RootElement.Clone();
    }

    public static async Task<JsonElement> StatusAsync(this Platform platform, Guid video, CancellationToken ct)
    {
        using var answer = await platform.Http.GetAsync($"/video/{video}/status", ct);
        return await answer.JsonAsync(ct);
    }

    /// <summary>Waits for READY, then plays the video from the gateway with every check that there is.</summary>
    public static async Task<HlsVideo> PlayAsync(this Platform platform, string source, Guid video, TimeSpan within, CancellationToken ct)
    {
        var state = await platform.EndStateAsync(video, within, ct);
        Assert.True(state == "READY", $"{state}: {await platform.StatusAsync(video, ct)}");
        using var report = JsonDocument.Parse(await platform.Http.GetStringAsync($"/stream/{video}/conformance", ct));
        Assert.All(report.RootElement.GetProperty("checks").EnumerateArray(), check => Assert.True(check.GetProperty("passed").GetBoolean(), $"{check}"));
        var played = await HlsVideo.OpenAsync(new(platform.Address("gateway"), $"/stream/{video}/manifest"));
        await HlsChecks.CheckAsync(source, played);
        return played;
    }

    /// <summary>An answer of the problem table: status, type, and never cached.</summary>
    public static async Task<JsonElement> ProblemAsync(this HttpResponseMessage answer, int status, string code, CancellationToken ct)
    {
        Assert.Equal((status, "application/problem+json"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var body = await answer.JsonAsync(ct);
        Assert.Equal((status, $"urn:videoplatform:problem:{code}"), (body.GetProperty("status").GetInt32(), body.GetProperty("type").GetString()));
        Assert.True(answer.Headers.CacheControl?.NoStore);
        return body;
    }
}
