using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace LocalHosting.Tests.Running;

/// <summary>The rules at the head of VideoPlatform.AppHost/gateway.conf.template, one by one.</summary>
public sealed class GatewayTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_get_that_breaks_on_one_replica_is_answered_by_the_other()
    {
        gateway.Handler = (_, context) =>
        {
            if (gateway.Seen.Count(s => s.Request == $"GET {context.Request.Path}") == 1)
                context.Abort();
            return context.Response.WriteAsync("answer", Ct);
        };
        Assert.Equal("answer", await gateway.Http.GetStringAsync("/stream/broken/manifest", Ct));
        Assert.Equal(2, gateway.Seen.Count(s => s.Request == "GET /stream/broken/manifest"));
    }

    /// <summary>Seed 002's clients read <c>detail</c>, and nothing else leads into the platform here.</summary>
    [Fact]
    public async Task The_uploader_s_port_has_its_routes_alone_and_says_no_in_the_seed_s_words()
    {
        gateway.Handler = (_, context) =>
        {
            if (context.Request.Path == "/upload/status/away")
                context.Abort();
            return context.Response.WriteAsync($"{context.Request.Headers["X-Forwarded-For"]} {context.Request.Headers["Forwarded"]}", Ct);
        };
        using HttpRequestMessage status = new(HttpMethod.Get, "/upload/status/1");
        status.Headers.Add("X-Forwarded-For", "203.0.113.9");
        status.Headers.Add("Forwarded", "for=203.0.113.9");
        using var passed = await gateway.Uploader.SendAsync(status, Ct);
        Assert.Equal("127.0.0.1", (await passed.Content.ReadAsStringAsync(Ct)).Trim());
        await gateway.Uploader.GetStringAsync("/health", Ct);
        Assert.Contains(gateway.Seen, seen => seen.Request == "GET /upload/health");
        foreach (var (path, code) in ((string, HttpStatusCode)[])[("/api/v1/jobs", HttpStatusCode.NotFound), ("/uploads", HttpStatusCode.NotFound), ("/upload/status/away", HttpStatusCode.ServiceUnavailable)])
        {
            using var refused = await gateway.Uploader.GetAsync(path, Ct);
            Assert.Equal((code, "application/json"), (refused.StatusCode, refused.Content.Headers.ContentType?.MediaType));
            Assert.NotNull((await refused.Content.ReadFromJsonAsync<JsonElement>(Ct)).GetProperty("detail").GetString());
            Assert.Equal(code == HttpStatusCode.ServiceUnavailable, refused.Headers.RetryAfter is not null);
            Assert.DoesNotContain('/', refused.Headers.Server.ToString());
        }
    }

    [Fact]
    public async Task A_post_that_has_reached_a_replica_is_never_sent_to_another()
    {
        gateway.Handler = (_, context) =>
        {
            context.Abort();
            return Task.CompletedTask;
        };
        using var response = await gateway.Http.PostAsync("/upload", new ByteArrayContent(new byte[100_000]), Ct);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.NotNull(response.Headers.RetryAfter);
        Assert.Single(gateway.Seen, s => s.Request == "POST /upload");
    }

    [Fact]
    public async Task A_body_streams_through_before_it_has_ended()
    {
        var firstBytes = new TaskCompletionSource();
        gateway.Handler = async (_, context) =>
        {
            var buffer = new byte[1024];
            var total = await context.Request.Body.ReadAsync(buffer, Ct);
            firstBytes.SetResult();
            while (await context.Request.Body.ReadAsync(buffer, Ct) is > 0 and var count)
                total += count;
            await context.Response.WriteAsync(total.ToString(), Ct);
        };
        using var content = new PushContent(async stream =>
        {
            await stream.WriteAsync("begin"u8.ToArray(), Ct);
            await stream.FlushAsync(Ct);
            await firstBytes.Task.WaitAsync(TimeSpan.FromSeconds(10), Ct);
            await stream.WriteAsync("end"u8.ToArray(), Ct);
        });
        using var response = await gateway.Http.PutAsync("/files/one", content, Ct);
        Assert.Equal("8", await response.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task What_a_client_says_of_itself_is_replaced()
    {
        gateway.Handler = (_, context) => context.Response.WriteAsJsonAsync(
            context.Request.Headers.Where(h => h.Key.StartsWith("X-Forwarded", StringComparison.Ordinal) || h.Key is "Forwarded" or "X-Request-Id")
                .ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.Ordinal), Ct);
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/v1/me");
        foreach (var header in (string[])["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "X-Request-Id"])
            request.Headers.TryAddWithoutValidation(header, "forged");
        using var response = await gateway.Http.SendAsync(request, Ct);
        var seen = (await response.Content.ReadFromJsonAsync<Dictionary<string, string>>(Ct))!;
        Assert.Equal("127.0.0.1", seen["X-Forwarded-For"]);
        Assert.Equal("http", seen["X-Forwarded-Proto"]);
        Assert.Equal(gateway.Http.BaseAddress!.Authority, seen["X-Forwarded-Host"]);
        Assert.Equal(response.Headers.GetValues("X-Request-Id").Single(), seen["X-Request-Id"]);
        Assert.DoesNotContain("forged", seen.Values);
    }

    [Fact]
    public async Task A_cached_segment_serves_ranges_and_a_deletion_is_seen_after_its_time()
    {
        var body = Enumerable.Range(0, 200_000).Select(i => (byte)i).ToArray();
        var deleted = false;
        gateway.Handler = async (_, context) =>
        {
            context.Response.StatusCode = deleted ? 404 : 200;
            context.Response.Headers.CacheControl = deleted ? "no-store" : "public, max-age=31536000, immutable";
            if (deleted)
                return;
            context.Response.Headers.AcceptRanges = "bytes"; // without it nginx cuts no ranges from what it has cached
            context.Response.ContentLength = body.Length;
            context.Response.Headers.ETag = "\"v1\"";
            context.Response.Headers["X-Accel-Expires"] = "2";
            await context.Response.Body.WriteAsync(body, Ct);
        };
        const string Path = "/stream/v/segment/s";
        Assert.Equal(body, await gateway.Http.GetByteArrayAsync(Path, Ct));
        using var ranged = new HttpRequestMessage(HttpMethod.Get, Path) { Headers = { Range = new RangeHeaderValue(1000, 1009) } };
        using var part = await gateway.Http.SendAsync(ranged, Ct);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(body[1000..1010], await part.Content.ReadAsByteArrayAsync(Ct));
        Assert.Equal("HIT", part.Headers.GetValues("X-Cache-Status").Single());
        Assert.Single(gateway.Seen, s => s.Request == "GET " + Path);
        deleted = true;
        await Eventually.Holds(async () => (await gateway.Http.GetAsync(Path, Ct)).StatusCode, status => status == HttpStatusCode.NotFound, seconds: 6);
    }

    [Theory]
    [InlineData("/stream/c0ffee00-0000-4000-8000-00000000cafe/segment/v1-480p-00000.m4s", 1)]
    [InlineData("/stream/My-Show/segment/v1-480p-00000.m4s", 1)]
    [InlineData("/stream/%4dine/segment/v1-480p-00000.m4s", 1)]
    [InlineData("/stream/C0FFEE00-0000-4000-8000-00000000CAFE/segment/v1-480p-00000.m4s", 2)]
    [InlineData("/stream/c0ffee00-0000-4000-8000-00000000beef/Segment/v1-480p-00000.m4s", 2)]
    [InlineData("/stream/c0ffee00-0000-4000-8000-00000000beef/segment/v1-480p-00000.m4s/", 2)]
    public async Task Only_addresses_as_playlists_spell_them_are_kept(string path, int asked)
    {
        var seen = 0;
        gateway.Handler = (_, context) =>
        {
            Interlocked.Increment(ref seen);
            context.Response.Headers["X-Accel-Expires"] = "60";
            return context.Response.WriteAsync("segment", Ct);
        };
        Assert.Equal("segment", await gateway.Http.GetStringAsync(path, Ct));
        Assert.Equal("segment", await gateway.Http.GetStringAsync(path, Ct));
        Assert.Equal(asked, seen);
    }

    [Theory]
    [InlineData("/stream/my-show/manifest")]
    [InlineData("/stream/my-show/manifest/480p")]
    public async Task Viewers_of_a_live_playlist_do_not_wait_for_one_another(string playlist)
    {
        const int Viewers = 8;
        var (come, all) = (0, new TaskCompletionSource());
        gateway.Handler = async (_, context) =>
        {
            if (Interlocked.Increment(ref come) == Viewers)
                all.SetResult();
            await all.Task.WaitAsync(TimeSpan.FromSeconds(10), Ct);
            context.Response.Headers["X-Accel-Expires"] = "0";
            await context.Response.WriteAsync("#EXTM3U", Ct);
        };
        Assert.All(await Task.WhenAll(Enumerable.Range(0, Viewers).Select(_ => gateway.Http.GetStringAsync(playlist, Ct))), text => Assert.Equal("#EXTM3U", text));
        Assert.Equal(Viewers, come);
    }

    [Fact]
    public async Task What_is_shown_for_an_entitlement_is_kept_for_nobody_and_nobody_waits_for_anothers_answer()
    {
        const string Path = "/stream/my-concert/segment/v1-480p-00000.m4s";
        const int Viewers = 6;
        var arrived = 0;
        TaskCompletionSource all = new(TaskCreationOptions.RunContinuationsAsynchronously);
        gateway.Handler = async (_, context) =>
        {
            if (Interlocked.Increment(ref arrived) == Viewers)
                all.SetResult();
            await all.Task.WaitAsync(TimeSpan.FromSeconds(4), Ct);
            context.Response.Headers["X-Accel-Expires"] = "0";
            await context.Response.WriteAsync(context.Request.QueryString.Value!, Ct);
        };
        Assert.All(await Task.WhenAll(Enumerable.Range(0, Viewers).Select(_ => gateway.Http.GetStringAsync($"{Path}?entitlement=shown", Ct))), text => Assert.Equal("?entitlement=shown", text));
        Assert.Equal("", await gateway.Http.GetStringAsync(Path, Ct));
        Assert.Equal(Viewers + 1, arrived);
    }

    [Theory]
    [InlineData("If-Match", "\"another\"", 412)]
    [InlineData("Range", "bytes=100-", 416)]
    public async Task What_the_cache_itself_refuses_ends_its_connection_and_says_so(string header, string value, int status)
    {
        var path = $"/stream/{Guid.NewGuid()}/segment/v1-480p-00000.m4s";
        gateway.Handler = (_, context) =>
        {
            context.Response.Headers["X-Accel-Expires"] = "60";
            context.Response.Headers.ETag = "\"a\"";
            context.Response.Headers.AcceptRanges = "bytes";
            context.Response.ContentLength = 7;
            return context.Response.WriteAsync("segment", Ct);
        };
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal("segment", await gateway.Http.GetStringAsync(path, Ct));
            using HttpRequestMessage request = new(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation(header, value);
            using var answer = await gateway.Http.SendAsync(request, Ct);
            Assert.Equal((status, true), ((int)answer.StatusCode, answer.Headers.ConnectionClose));
        }
    }

    [Fact]
    public async Task Ranges_and_conditions_reach_the_service_where_nothing_is_kept()
    {
        gateway.Handler = (_, context) =>
        {
            context.Response.StatusCode = 206;
            return context.Response.WriteAsync($"{context.Request.Headers.Range} {context.Request.Headers.IfNoneMatch} {context.Request.Headers.IfMatch}", Ct);
        };
        using HttpRequestMessage request = new(HttpMethod.Get, "/stream/my-concert/segment/v1-480p-00000.m4s?entitlement=shown");
        request.Headers.TryAddWithoutValidation("Range", "bytes=0-10");
        request.Headers.TryAddWithoutValidation("If-None-Match", "\"a\"");
        request.Headers.TryAddWithoutValidation("If-Match", "\"b\"");
        using var answer = await gateway.Http.SendAsync(request, Ct);
        Assert.Equal((206, "bytes=0-10 \"a\" \"b\""), ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Ct)));
    }

    [Fact]
    public async Task The_status_socket_goes_through()
    {
        gateway.Handler = async (_, context) =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            await socket.SendAsync("""{"state":"READY"}"""u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, Ct);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, statusDescription: null, Ct);
        };
        using var client = new ClientWebSocket();
        await client.ConnectAsync(new($"ws://{gateway.Http.BaseAddress!.Authority}/video/1/status/stream"), Ct);
        var buffer = new byte[100];
        var message = await client.ReceiveAsync(buffer, Ct);
        Assert.Equal("READY", JsonDocument.Parse(Encoding.UTF8.GetString(buffer, 0, message.Count)).RootElement.GetProperty("state").GetString());
        Assert.Equal(WebSocketCloseStatus.NormalClosure, (await client.ReceiveAsync(buffer, Ct)).CloseStatus);
    }

    [Fact]
    public async Task A_path_that_leads_nowhere_is_a_problem_document()
    {
        using var response = await gateway.Http.GetAsync("/nowhere", Ct);
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    private sealed class PushContent(Func<Stream, Task> write) : HttpContent
    {
        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => write(stream);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
