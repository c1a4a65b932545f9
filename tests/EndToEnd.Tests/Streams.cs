using System.Net;
using Lifecycle.Contracts;
using Testing;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Seed 000's <c>/stream</c>, through the gateway with its cache.</summary>
public sealed class Streams(Platform platform)
{
    private const string Playlist = "application/vnd.apple.mpegurl";

    private static readonly TimeSpan _deletedWithin = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_READY_video_s_playlists_and_segments_are_served_with_type_and_caching()
    {
        var video = await Library.ReadyAsync(platform, Ct);
        var address = await AddressesAsync(video);
        foreach (var playlist in (string[])[address.Manifest, address.Media])
        {
            using var answer = await platform.Http.GetAsync(playlist, Ct);
            Assert.Equal((HttpStatusCode.OK, Playlist), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            Assert.Equal("public, max-age=5", $"{answer.Headers.CacheControl}");
            Assert.StartsWith("#EXTM3U\n", await answer.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }

        foreach (var part in (string[])[address.Segment, address.Init, $"/stream/{video}/segment/v1-audio-1-init.mp4", $"/stream/{video}/segment/v1-audio-1-00000.m4s"])
        {
            using var answer = await platform.Http.GetAsync(part, Ct);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.StartsWith("video/", answer.Content.Headers.ContentType?.MediaType, StringComparison.Ordinal);
            Assert.Equal("public, max-age=31536000, immutable", $"{answer.Headers.GetValues("Cache-Control").Single()}");
            Assert.Equal("bytes", $"{answer.Headers.AcceptRanges}");
            Assert.NotNull(answer.Headers.ETag);
            using HttpRequestMessage again = new(HttpMethod.Get, part);
            again.Headers.IfNoneMatch.Add(answer.Headers.ETag);
            using var unchanged = await platform.Http.SendAsync(again, Ct);
            Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        }
    }

    [Fact]
    public async Task HEAD_says_what_GET_says_without_a_body()
    {
        var video = await Library.ReadyAsync(platform, Ct);
        var address = await AddressesAsync(video);
        foreach (var path in (string[])[address.Manifest, address.Media, address.Segment, address.Init, $"/video/{video}/status"])
        {
            using var get = await platform.Http.GetAsync(path, Ct);
            using HttpRequestMessage request = new(HttpMethod.Head, path);
            using var head = await platform.Http.SendAsync(request, Ct);
            Assert.Equal(get.StatusCode, head.StatusCode);
            Assert.Equal($"{get.Content.Headers.ContentType}", $"{head.Content.Headers.ContentType}");
            Assert.Equal(get.Headers.ETag, head.Headers.ETag);
            Assert.Equal($"{get.Headers.CacheControl}", $"{head.Headers.CacheControl}");
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(Ct));
        }
    }

    [Theory]
    [InlineData("bytes=0-99", 0, 100)]
    [InlineData("bytes=100-100", 100, 1)]
    [InlineData("bytes=-50", -50, 50)]
    [InlineData("bytes=200-", 200, -200)]
    public async Task A_range_is_206_with_exactly_those_bytes(string range, int from, int length)
    {
        var address = await AddressesAsync(await Library.ReadyAsync(platform, Ct));
        var whole = await platform.Http.GetByteArrayAsync(address.Segment, Ct);
        var start = from < 0 ? whole.Length + from : from;
        var expected = whole.AsMemory(start, length < 0 ? whole.Length + length : length).ToArray();
        using var answer = await RangeAsync(address.Segment, range);
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal($"bytes {start}-{start + expected.Length - 1}/{whole.Length}", $"{answer.Content.Headers.ContentRange}");
        Assert.Equal(expected, await answer.Content.ReadAsByteArrayAsync(Ct));
    }

    /// <summary>The first answer comes from the replica, the later ones from the gateway's cache.</summary>
    [Theory]
    [InlineData("bytes=99999999-")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=9-3")]
    public async Task A_range_outside_the_segment_is_416_with_its_size_also_from_the_cache(string range)
    {
        var address = await AddressesAsync(await Library.ReadyAsync(platform, Ct));
        var size = (await platform.Http.GetByteArrayAsync(address.Segment, Ct)).Length;
        foreach (var server in (string[])["streaming-api-1", "gateway", "gateway"])
        {
            using var client = platform.Client(server);
            using var answer = await RangeAsync(address.Segment, range, client);
            Assert.Equal((416, "application/problem+json"), ((int)answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
            Assert.Equal($"bytes */{size}", $"{answer.Content.Headers.ContentRange}");
            await answer.ProblemAsync(416, "range-not-satisfiable", Ct);
            Assert.Equal("*", answer.Headers.GetValues("Access-Control-Allow-Origin").Single());
        }
    }

    [Fact]
    public async Task A_content_that_is_another_than_If_Match_names_is_412_also_from_the_cache()
    {
        var address = await AddressesAsync(await Library.ReadyAsync(platform, Ct));
        for (var i = 0; i < 2; i++)
        {
            await platform.Http.GetByteArrayAsync(address.Segment, Ct);
            using HttpRequestMessage request = new(HttpMethod.Get, address.Segment);
            request.Headers.IfMatch.Add(new("\"another\""));
            using var answer = await platform.Http.SendAsync(request, Ct);
            await answer.ProblemAsync(412, "precondition-failed", Ct);
        }
    }

    [Fact]
    public async Task What_nobody_has_is_404()
    {
        var video = await Library.ReadyAsync(platform, Ct);
        var segment = (await AddressesAsync(video)).Segment.Split('/')[^1];
        (string Path, string Code)[] missing =
        [
            ($"/stream/{Guid.NewGuid()}/manifest", "unknown-video"), ("/stream/nobody/manifest", "unknown-video"), ($"/stream/{video:N}/manifest", "unknown-video"),
            ($"/stream/{Guid.NewGuid()}/segment/{segment}", "unknown-video"), ($"/stream/{Guid.NewGuid()}/manifest/360p", "unknown-video"),
            ($"/stream/{video}/segment/v1-360p-99999.m4s", "unknown-segment"), ($"/stream/{video}/segment/v2-360p-00000.m4s", "unknown-segment"),
            ($"/stream/{video}/segment/v1-360p-0.m4s", "unknown-segment"), ($"/stream/{video}/segment/..%2f..%2fsource", "unknown-segment"),
            ($"/stream/{video}/manifest/9999p", "unknown-track"), ($"/stream/{video}/nothing", "unknown-route"),
        ];
        foreach (var (path, code) in missing)
        {
            using var answer = await platform.Http.GetAsync(path, Ct);
            await answer.ProblemAsync(404, code, Ct);
        }
    }

    [Fact]
    public async Task A_video_that_is_not_READY_is_409_with_Retry_After()
    {
        Guid video;
        await using (await HeldPool.HoldAsync(platform))
        {
            video = await platform.UploadAsync(await Library.ClipAsync(Ct), Ct);
            await AssertNotReadyAsync(video, "UPLOADED");
            platform.Arm(FaultPoint.TaskPlan, "delay 15");
        }

        await Poll.UntilAsync(async () => (await platform.StatusAsync(video, Ct)).GetProperty("state").GetString(), state => state == "PROCESSING", Library.EndsWithin, "the claim");
        await AssertNotReadyAsync(video, "PROCESSING");
        Assert.Equal("READY", await platform.EndStateAsync(video, Library.EndsWithin, Ct));
        using var manifest = await platform.Http.GetAsync($"/stream/{video}/manifest", Ct);
        Assert.Equal(HttpStatusCode.OK, manifest.StatusCode);
    }

    [Fact]
    public async Task A_deleted_video_is_404_everywhere_within_60_s_also_where_it_was_cached()
    {
        var video = await Library.NewReadyAsync(platform, Ct);
        var address = await AddressesAsync(video);
        string[] streamed = [address.Manifest, address.Media, address.Init, address.Segment, $"/stream/{video}/poster"];
        List<(HttpClient Client, string Path)> everywhere = [];
        foreach (var server in (string[])["gateway", "streaming-api-1", "streaming-api-2"])
            everywhere.AddRange(streamed.Select(path => (platform.Client(server), path)));
        foreach (var server in (string[])["gateway", "upload-api-1", "upload-api-2"])
            everywhere.Add((platform.Client(server), $"/video/{video}/status"));
        foreach (var (client, path) in everywhere)
            Assert.Equal(200, await StatusAsync(client, path));
        using (var cached = await platform.Http.GetAsync(address.Segment, Ct))
            Assert.Equal("HIT", cached.Headers.GetValues("X-Cache-Status").Single());

        using var deleted = await platform.Admin.DeleteAsync($"/api/v1/videos/{video}", Ct);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        using var again = await platform.Admin.DeleteAsync($"/api/v1/videos/{video}", Ct);
        await again.ProblemAsync(404, "unknown-video", Ct);
        await Poll.UntilAsync(async () =>
        {
            List<string> alive = [];
            foreach (var (client, path) in everywhere)
            {
                if (await StatusAsync(client, path) is not 404 and var status)
                    alive.Add($"{status} {client.BaseAddress}{path}");
            }

            return string.Join('\n', alive);
        }, alive => alive.Length == 0, _deletedWithin, "404 everywhere");
        everywhere.ForEach(entry => entry.Client.Dispose());
        await using var left = await Leftovers.OfAsync(platform, Ct);
        await Poll.UntilAsync(() => left.ObjectsAsync(video, Ct), count => count == 0, TimeSpan.FromMinutes(3), "its objects are swept");
    }

    private async Task AssertNotReadyAsync(Guid video, string state)
    {
        foreach (var path in (string[])["manifest", "manifest/360p", "segment/v1-360p-00000.m4s"])
        {
            using var answer = await platform.Http.GetAsync($"/stream/{video}/{path}", Ct);
            var body = await answer.ProblemAsync(409, "not-ready", Ct);
            Assert.Equal(state, body.GetProperty("state").GetString());
            Assert.True(answer.Headers.RetryAfter?.Delta > TimeSpan.Zero);
        }
    }

    private async Task<HttpResponseMessage> RangeAsync(string path, string range, HttpClient? client = null)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Range", range);
        return await (client ?? platform.Http).SendAsync(request, Ct);
    }

    private static async Task<int> StatusAsync(HttpClient client, string path)
    {
        using var answer = await client.GetAsync(path, Ct);
        return (int)answer.StatusCode;
    }

    /// <summary>One address of each kind, as a player finds them.</summary>
    private async Task<(string Manifest, string Media, string Init, string Segment)> AddressesAsync(Guid video)
    {
        var manifest = $"/stream/{video}/manifest";
        var media = $"/stream/{video}/{(await platform.Http.GetStringAsync(manifest, Ct)).Split('\n').First(line => line.StartsWith("manifest/", StringComparison.Ordinal))}";
        var lines = (await platform.Http.GetStringAsync(media, Ct)).Split('\n');
        string Under(string line) => $"/stream/{video}/{line[(line.IndexOf("../", StringComparison.Ordinal) + 3)..].TrimEnd('"')}";
        return (manifest, media, Under(lines.First(line => line.StartsWith("#EXT-X-MAP", StringComparison.Ordinal))), Under(lines.First(line => line.StartsWith("../", StringComparison.Ordinal))));
    }
}
