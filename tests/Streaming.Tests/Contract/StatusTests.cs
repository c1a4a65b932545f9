using System.Net;
using System.Text.Json;
using Lifecycle.Contracts.Videos;
using Streaming.Tests.Platform;

namespace Streaming.Tests.Contract;

/// <summary>Every status of the contract's streaming section, for every route.</summary>
public sealed class StatusTests(Stack stack) : IClassFixture<Stack>
{
    public static TheoryData<string, string> Routes => new()
    {
        { "manifest", "application/vnd.apple.mpegurl" },
        { "manifest/720p", "application/vnd.apple.mpegurl" },
        { "manifest/720p-iframes", "application/vnd.apple.mpegurl" },
        { "manifest/audio", "application/vnd.apple.mpegurl" },
        { "segment/v1-720p-init.mp4", "video/mp4" },
        { "segment/v1-360p-00001.m4s", "video/mp4" },
        { "segment/v1-audio-00000.m4s", "video/mp4" },
        { "poster", "image/jpeg" },
        { "storyboard.vtt", "text/vtt" },
        { "storyboard.jpg", "image/jpeg" },
        { "conformance", "application/json" },
    };

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_ready_video_answers_200(string route, string contentType)
    {
        var video = await ReadyAsync();
        using var answer = await stack.Replica.GetAsync($"/stream/{video.Id}/{route}");
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(contentType, answer.Content.Headers.ContentType!.MediaType);
        Assert.NotNull(answer.Headers.ETag);
        Assert.False(answer.Headers.ETag.IsWeak);
        Assert.Equal(answer.Content.Headers.ContentLength, (await answer.Content.ReadAsByteArrayAsync()).Length);
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task HEAD_says_what_GET_says(string route, string contentType)
    {
        var video = await ReadyAsync();
        using var get = await stack.Replica.GetAsync($"/stream/{video.Id}/{route}");
        using var head = await stack.Replica.SendAsync(HttpMethod.Head, $"/stream/{video.Id}/{route}", ("Range", "bytes=0-1"));
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.Equal(contentType, head.Content.Headers.ContentType!.MediaType);
        Assert.Equal(get.Content.Headers.ContentLength, head.Content.Headers.ContentLength);
        Assert.Equal(Without(get, "Date"), Without(head, "Date"));
        Assert.Empty(await head.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task An_unknown_video_answers_404(string route, string contentType)
    {
        Assert.NotEmpty(contentType);
        await AssertProblemAsync(HttpStatusCode.NotFound, "unknown-video", $"/stream/{Guid.CreateVersion7()}/{route}");
    }

    [Theory]
    [MemberData(nameof(Routes))]
    public async Task A_video_that_is_not_ready_answers_409_with_Retry_After(string route, string contentType)
    {
        Assert.NotEmpty(contentType);
        foreach (var state in (VideoState[])[VideoState.Uploaded, VideoState.Processing, VideoState.Failed])
        {
            var id = await stack.Library.AddAsync(state);
            using var answer = await AssertProblemAsync(HttpStatusCode.Conflict, "not-ready", $"/stream/{id}/{route}");
            Assert.NotNull(answer.Headers.RetryAfter?.Delta);
        }
    }

    [Theory]
    [InlineData(VideoState.Uploading)]
    [InlineData(VideoState.Completing)]
    [InlineData(VideoState.Aborting)]
    [InlineData(VideoState.Deleted)]
    public async Task A_state_that_clients_do_not_know_answers_404(VideoState state)
    {
        var id = await stack.Library.AddAsync(state);
        await AssertProblemAsync(HttpStatusCode.NotFound, "unknown-video", $"/stream/{id}/manifest");
    }

    [Theory]
    [InlineData("not-a-uuid/manifest", "unknown-video")]
    [InlineData("{00000000-0000-0000-0000-000000000000}/manifest", "unknown-video")]
    [InlineData("00000000000000000000000000000000/segment/v1-720p-init.mp4", "unknown-video")]
    [InlineData("*/manifest/480p", "unknown-track")]
    [InlineData("*/manifest/audio-iframes", "unknown-track")]
    [InlineData("*/manifest/..%2Fx", "unknown-track")]
    [InlineData("*/segment/v1-720p-00002.m4s", "unknown-segment")]
    [InlineData("*/segment/v2-720p-00000.m4s", "unknown-segment")]
    [InlineData("*/segment/v1-720p-0.m4s", "unknown-segment")]
    [InlineData("*/segment/V1-720p-00000.m4s", "unknown-segment")]
    [InlineData("*/nothing", "unknown-route")]
    public async Task A_wrong_address_answers_404(string path, string code)
    {
        var video = await ReadyAsync();
        await AssertProblemAsync(HttpStatusCode.NotFound, code, "/stream/" + path.Replace("*", video.Id.ToString(), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("POST")]
    [InlineData("PUT")]
    [InlineData("DELETE")]
    [InlineData("PATCH")]
    public async Task A_wrong_method_answers_405_with_Allow(string method)
    {
        var video = await ReadyAsync();
        foreach (var route in Routes)
        {
            using var answer = await stack.Replica.SendAsync(new(method), $"/stream/{video.Id}/{route.Data.Item1}");
            Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
            Assert.Equal(["GET", "HEAD"], answer.Content.Headers.Allow.Order(StringComparer.Ordinal));
            Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        }
    }

    [Fact]
    public async Task Every_entry_of_a_manifest_is_served_with_its_true_bytes()
    {
        var video = await ReadyAsync();
        Assert.NotEmpty(video.Segments);
        foreach (var (segmentId, bytes) in video.Segments)
        {
            Assert.Equal(bytes, await stack.Replica.Client.GetByteArrayAsync($"/stream/{video.Id}/segment/{segmentId}"));
        }
    }

    [Fact]
    public async Task Segments_are_immutable_and_playlists_short_lived()
    {
        var video = await ReadyAsync();
        using var segment = await stack.Replica.GetAsync($"/stream/{video.Id}/segment/v1-720p-init.mp4");
        Assert.Equal("public, max-age=31536000, immutable", segment.Headers.GetValues("Cache-Control").Single());
        Assert.Equal("30", segment.Headers.GetValues("X-Accel-Expires").Single());
        Assert.Equal("bytes", segment.Headers.AcceptRanges.Single());
        using var manifest = await stack.Replica.GetAsync($"/stream/{video.Id}/manifest");
        Assert.Equal(TimeSpan.FromSeconds(5), manifest.Headers.CacheControl!.MaxAge);
        Assert.Equal("5", manifest.Headers.GetValues("X-Accel-Expires").Single());
    }

    [Fact]
    public async Task Players_of_any_origin_may_read_errors_too()
    {
        var video = await ReadyAsync();
        foreach (var path in (string[])[$"/stream/{video.Id}/manifest", $"/stream/{video.Id}/segment/nope", $"/stream/{Guid.CreateVersion7()}/manifest"])
        {
            using var answer = await stack.Replica.GetAsync(path);
            Assert.Equal("*", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
            Assert.Contains("Content-Range", answer.Headers.GetValues("Access-Control-Expose-Headers").Single(), StringComparison.Ordinal);
        }

        using var preflight = await stack.Replica.SendAsync(HttpMethod.Options, $"/stream/{video.Id}/segment/v1-720p-init.mp4",
            ("Origin", "https://player.example"), ("Access-Control-Request-Method", "GET"), ("Access-Control-Request-Headers", "range"));
        Assert.Equal(HttpStatusCode.NoContent, preflight.StatusCode);
        Assert.Contains("Range", preflight.Headers.GetValues("Access-Control-Allow-Headers").Single(), StringComparison.Ordinal);
        Assert.Equal("GET, HEAD", preflight.Headers.GetValues("Access-Control-Allow-Methods").Single());
    }

    [Fact]
    public async Task Health_is_liveness_and_ready_names_the_stores()
    {
        Assert.Equal("""{"status":"ok"}""", await stack.Replica.Client.GetStringAsync("/health"));
        Assert.Equal("Healthy", await stack.Replica.Client.GetStringAsync("/alive"));
        using var ready = JsonDocument.Parse(await stack.Replica.Client.GetStringAsync("/ready"));
        Assert.Equal("healthy", ready.RootElement.GetProperty("checks").GetProperty("storage").GetString());
    }

    private Task<SeededVideo> ReadyAsync() => stack.SharedVideoAsync();

    private async Task<HttpResponseMessage> AssertProblemAsync(HttpStatusCode status, string code, string path)
    {
        var answer = await stack.Replica.GetAsync(path);
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal($"urn:videoplatform:problem:{code}", body.RootElement.GetProperty("type").GetString());
        Assert.Equal((int)status, body.RootElement.GetProperty("status").GetInt32());
        return answer;
    }

    private static Dictionary<string, string> Without(HttpResponseMessage answer, string name) =>
        answer.Headers.Where(header => header.Key != name).ToDictionary(header => header.Key, header => string.Join(',', header.Value), StringComparer.Ordinal);
}
