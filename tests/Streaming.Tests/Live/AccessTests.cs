using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Streaming.Tests.Platform;

namespace Streaming.Tests.Live;

/// <summary>Who may see what of a stream, in which state, under which address.</summary>
public sealed class AccessTests(LiveStack stack) : IClassFixture<LiveStack>
{
    private const string Secret = "a b&c=\"ü%2F#";

    [Theory]
    [InlineData("PROVISIONING", 2)]
    [InlineData("READY", 2)]
    [InlineData("LIVE", 2)]
    [InlineData("COMPLETE", 60)]
    [InlineData("FAILED", 60)]
    public async Task Before_its_first_segment_a_stream_is_not_ready(string status, int retryAfter)
    {
        var broadcast = await stack.BeginAsync(status: status);
        foreach (var route in (string[])["manifest", "manifest/480p", "segment/v1-480p-00000.m4s"])
        {
            using var answer = await AssertProblemAsync(HttpStatusCode.Conflict, "not-ready", $"{broadcast.Path}/{route}", status);
            Assert.Equal(TimeSpan.FromSeconds(retryAfter), answer.Headers.RetryAfter!.Delta);
        }
    }

    [Fact]
    public async Task Nothing_is_shown_before_the_workflow_has_said_who_may_watch()
    {
        var broadcast = await stack.BeginAsync(isOpen: false, status: "PROVISIONING");
        await broadcast.ConnectWithAsync(new Encoded("480p", [1]));
        await broadcast.AddAsync([new Encoded("480p", [2])]);
        foreach (var route in (string[])["manifest", "manifest/480p", "segment/v1-480p-init.mp4"])
        {
            using var answer = await AssertProblemAsync(HttpStatusCode.Conflict, "not-ready", $"{broadcast.Path}/{route}", "PROVISIONING");
        }
    }

    [Fact]
    public async Task A_stream_with_an_entitlement_shows_nothing_without_it()
    {
        var broadcast = await stack.BeginAsync(entitlement: Secret);
        await broadcast.ConnectWithAsync(new Encoded("480p", [1]));
        await broadcast.AddAsync([new Encoded("480p", [2])]);
        foreach (var route in (string[])["manifest", "manifest/480p", "segment/v1-480p-init.mp4", "segment/v1-480p-00000.m4s", "segment/v1-480p-00001.m4s", "manifest/nothing"])
        {
            foreach (var query in (string[])["", "?entitlement=", "?entitlement=wrong", "?entitlement=a+b&c=", $"?entitlement={Uri.EscapeDataString(Secret)}&entitlement={Uri.EscapeDataString(Secret)}"])
            {
                using var answer = await AssertProblemAsync(HttpStatusCode.Forbidden, "forbidden", $"{broadcast.Path}/{route}{query}");
                Assert.DoesNotContain(Secret, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public async Task A_player_that_shows_the_entitlement_once_is_led_to_every_segment()
    {
        var broadcast = await stack.BeginAsync(entitlement: Secret);
        await broadcast.ConnectWithAsync(new Encoded("480p", [1]), new Encoded("audio", [2]));
        await broadcast.AddAsync([new Encoded("480p", [3]), new Encoded("audio", [4])]);
        Uri manifest = new(stack.Replica.Address, $"{broadcast.Path}/manifest?entitlement={Uri.EscapeDataString(Secret)}");
        var seen = 0;
        foreach (var playlist in await AddressesAsync(manifest))
        {
            foreach (var segment in await AddressesAsync(playlist))
            {
                using var answer = await stack.Replica.Client.GetAsync(segment);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                Assert.True(answer.Headers.CacheControl!.Private);
                Assert.Equal("0", answer.Headers.GetValues("X-Accel-Expires").Single());
                seen++;
            }
        }

        Assert.Equal(4, seen);
    }

    [Fact]
    public async Task When_the_recording_is_ready_viewers_are_sent_to_the_video_and_players_play_on()
    {
        var broadcast = await stack.BeginAsync(entitlement: Secret, status: "COMPLETE");
        await broadcast.ConnectWithAsync(new Encoded("480p", [1]));
        await broadcast.AddAsync([new Encoded("480p", [2])]);
        await broadcast.EndAsync();
        await broadcast.RecordAsync("READY");
        var query = $"?entitlement={Uri.EscapeDataString(Secret)}";
        using HttpClient client = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { BaseAddress = stack.Replica.Address };
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
        {
            using HttpRequestMessage request = new(method, $"{broadcast.Path}/manifest{query}");
            using var moved = await client.SendAsync(request);
            Assert.Equal(HttpStatusCode.Redirect, moved.StatusCode);
            Assert.Equal($"/stream/{broadcast.VideoId}/manifest", moved.Headers.Location!.OriginalString);
            Assert.Equal("no-store", moved.Headers.CacheControl!.ToString());
        }

        using (await AssertProblemAsync(HttpStatusCode.Forbidden, "forbidden", $"{broadcast.Path}/manifest"))
        {
            Assert.True(Listing.Read(await stack.Replica.Client.GetStringAsync($"{broadcast.Path}/manifest/480p{query}")).HasEnded);
        }

        await broadcast.SweepAsync();
        using var still = await client.GetAsync($"{broadcast.Path}/manifest{query}");
        Assert.Equal(HttpStatusCode.Redirect, still.StatusCode);
        using var playlist = await AssertProblemAsync(HttpStatusCode.NotFound, "unknown-track", $"{broadcast.Path}/manifest/480p{query}");
        using var segment = await AssertProblemAsync(HttpStatusCode.NotFound, "unknown-segment", $"{broadcast.Path}/segment/v1-480p-00000.m4s{query}");
    }

    [Theory]
    [InlineData("UPLOADED")]
    [InlineData("PROCESSING")]
    [InlineData("FAILED")]
    public async Task Until_then_the_ended_stream_is_shown(string video)
    {
        var broadcast = await stack.BeginAsync(status: "COMPLETE");
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2);
        await broadcast.EndAsync();
        await broadcast.RecordAsync(video);
        Assert.Contains("manifest/480p", await stack.Replica.Client.GetStringAsync($"{broadcast.Path}/manifest"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_id_that_looks_like_a_video_is_never_a_stream()
    {
        foreach (var format in (string[])["D", "N"])
        {
            var id = Guid.CreateVersion7().ToString(format);
            var broadcast = await Broadcast.BeginAsync(stack.Store, null, isOpen: true, "LIVE", id);
            await broadcast.ConnectAsync();
            await broadcast.AddAsync(2);
            using var answer = await AssertProblemAsync(HttpStatusCode.NotFound, "unknown-video", $"{broadcast.Path}/manifest");
        }
    }

    [Theory]
    [InlineData("/stream/ab/manifest", "unknown-video")]
    [InlineData("/stream/nobody/manifest", "unknown-video")]
    [InlineData("/stream/nobody/manifest/480p", "unknown-video")]
    [InlineData("/stream/nobody/segment/v1-480p-00000.m4s", "unknown-video")]
    [InlineData("/stream/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/manifest", "unknown-video")]
    [InlineData("/stream/a%20b%27%3B--/manifest", "unknown-video")]
    [InlineData("/stream/%2e%2e%2f%2e%2e/manifest", "unknown-video")]
    [InlineData("/stream/äöü-stream/manifest", "unknown-video")]
    [InlineData("*/manifest/1080p", "unknown-track")]
    [InlineData("*/manifest/480P", "unknown-track")]
    [InlineData("*/manifest/480p-iframes", "unknown-track")]
    [InlineData("*/segment/v1-480p-00001.m4s", "unknown-segment")]
    [InlineData("*/segment/v2-480p-00000.m4s", "unknown-segment")]
    [InlineData("*/segment/v0-480p-00000.m4s", "unknown-segment")]
    [InlineData("*/segment/v1-1080p-00000.m4s", "unknown-segment")]
    [InlineData("*/segment/v1-480p-0.m4s", "unknown-segment")]
    [InlineData("*/segment/v1-480p--0001.m4s", "unknown-segment")]
    [InlineData("*/segment/v1-480p-99999999999999999999.m4s", "unknown-segment")]
    [InlineData("*/segment/v2147483647-480p-init.mp4", "unknown-segment")]
    [InlineData("*/segment/..%2Fv1-480p-init.mp4", "unknown-segment")]
    [InlineData("*/poster", "unknown-video")]
    [InlineData("*/nothing", "unknown-route")]
    public async Task A_wrong_address_answers_404(string path, string code)
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2);
        using var answer = await AssertProblemAsync(HttpStatusCode.NotFound, code, path.Replace("*", broadcast.Path, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("manifest")]
    [InlineData("manifest/480p")]
    [InlineData("segment/v1-480p-00000.m4s")]
    public async Task A_wrong_method_answers_405_with_Allow(string route)
    {
        var broadcast = await stack.BeginAsync();
        using var answer = await stack.Replica.SendAsync(HttpMethod.Post, $"{broadcast.Path}/{route}");
        Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
        Assert.Equal(["GET", "HEAD"], answer.Content.Headers.Allow.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_segment_is_served_as_a_videos_is()
    {
        var bytes = RandomNumberGenerator.GetBytes(50_000);
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectWithAsync(new Encoded("480p", [1]));
        await broadcast.AddAsync([new Encoded("480p", bytes)]);
        var path = $"{broadcast.Path}/segment/v1-480p-00000.m4s";
        using var whole = await stack.Replica.GetAsync(path);
        Assert.Equal(bytes, await whole.Content.ReadAsByteArrayAsync());
        Assert.Equal("video/mp4", whole.Content.Headers.ContentType!.ToString());
        Assert.Equal("public, max-age=31536000, immutable", whole.Headers.CacheControl!.ToString());
        Assert.Equal("30", whole.Headers.GetValues("X-Accel-Expires").Single());
        Assert.Equal("*", whole.Headers.GetValues("Access-Control-Allow-Origin").Single());
        using var part = await stack.Replica.GetAsync(path, ("Range", "bytes=100-199"));
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(bytes[100..200], await part.Content.ReadAsByteArrayAsync());
        using var same = await stack.Replica.GetAsync(path, ("If-None-Match", whole.Headers.ETag!.ToString()));
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
        using var head = await stack.Replica.SendAsync(HttpMethod.Head, path);
        Assert.Equal(bytes.Length, head.Content.Headers.ContentLength);
    }

    [Fact]
    public async Task What_has_slid_out_of_every_window_is_served_until_it_is_swept()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectWithAsync(new Encoded("480p", [1]));
        for (byte sequence = 0; sequence < 20; sequence++)
        {
            await broadcast.AddAsync([new Encoded("480p", [sequence, 0])]);
        }

        await broadcast.ConnectWithAsync(new Encoded("480p", [2]));
        for (byte sequence = 20; sequence < 40; sequence++)
        {
            await broadcast.AddAsync([new Encoded("480p", [sequence, 0])]);
        }

        Assert.Equal(35, Listing.Read(await stack.Replica.Client.GetStringAsync($"{broadcast.Path}/manifest/480p")).First);
        foreach (var (id, bytes) in broadcast.Contents)
        {
            Assert.Equal(bytes, await stack.Replica.Client.GetByteArrayAsync($"{broadcast.Path}/segment/{id}"));
        }

        await broadcast.EndAsync();
        await broadcast.SweepAsync();
        using var swept = await AssertProblemAsync(HttpStatusCode.NotFound, "unknown-segment", $"{broadcast.Path}/segment/v1-480p-00000.m4s");
    }

    private async Task<IReadOnlyList<Uri>> AddressesAsync(Uri playlist)
    {
        var lines = (await stack.Replica.Client.GetStringAsync(playlist)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        return [.. lines.Select(line => line.StartsWith('#') ? line.Split("URI=\"") is [_, var uri] ? uri.Split('"')[0] : null : line).OfType<string>().Select(address => new Uri(playlist, address))];
    }

    private async Task<HttpResponseMessage> AssertProblemAsync(HttpStatusCode status, string code, string path, string? state = null)
    {
        var answer = await stack.Replica.GetAsync(path);
        Assert.Equal(status, answer.StatusCode);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        Assert.Equal("*", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
        using var body = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        Assert.Equal($"urn:videoplatform:problem:{code}", body.RootElement.GetProperty("type").GetString());
        Assert.Equal(state, body.RootElement.TryGetProperty("state", out var named) ? named.GetString() : null);
        return answer;
    }
}
