using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using Smart.Client.Playback;
using Testing;
using Xunit;

namespace Storage.Tests.Client;

public sealed class DashboardTests
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task An_idle_client_answers_every_route_with_the_documented_fields()
    {
        await using var platform = await TestPlatform.StartAsync();
        var node = platform.Nodes[0].Url;
        await Poll.UntilAsync(async () => (await StatusAsync(platform)).GetProperty("node_scores").EnumerateObject().Count() == 3, _soon, "three nodes are watched");

        var status = await StatusAsync(platform);
        Assert.Equal(JsonValueKind.Null, status.GetProperty("video_id").ValueKind);
        Assert.False(status.GetProperty("playing").GetBoolean());
        AssertFields(status, "video_id", "playing", "startup_latency", "playback_duration", "buffer", "buffer_stats", "scheduler_stats", "network_stats", "node_scores");
        AssertFields(status.GetProperty("buffer"), "state", "buffer_level_sec", "target_buffer_sec", "buffer_health_percent", "current_position");
        AssertFields(status.GetProperty("buffer_stats"), "total_chunks_played", "rebuffering_events", "average_buffer_level");
        AssertFields(status.GetProperty("scheduler_stats"), "total_downloads", "success_rate", "failover_count");
        AssertFields(status.GetProperty("network_stats").GetProperty(node), "latency_ms", "bandwidth_mbps", "success_rate");
        Assert.Equal("empty", status.GetProperty("buffer").GetProperty("state").GetString());
        Assert.Equal(30, status.GetProperty("buffer").GetProperty("target_buffer_sec").GetDouble());

        var stats = await JsonAsync(platform, "/api/stats");
        AssertFields(stats, "session", "buffer", "downloads", "nodes");
        AssertFields(stats.GetProperty("session"), "video_id", "startup_latency", "playback_duration", "total_chunks_played");
        AssertFields(stats.GetProperty("buffer"), "current_level_sec", "target_sec", "health_percent", "rebuffering_events");
        AssertFields(stats.GetProperty("downloads"), "total", "successful", "failed", "success_rate", "failovers");
        AssertFields(stats.GetProperty("nodes").GetProperty(node), "score", "downloads", "latency_ms", "bandwidth_mbps", "success_rate");

        AssertFields(
            await JsonAsync(platform, "/api/performance"),
            "startup_latency_sec", "average_throughput_mbps", "rebuffering_events", "average_buffer_level_sec", "playback_duration_sec", "chunks_played", "download_success_rate");

        var network = (await JsonAsync(platform, "/api/network")).GetProperty("network_stats");
        Assert.Equal(3, network.GetArrayLength());
        AssertFields(network[0], "node_url", "latency_ms", "bandwidth_mbps", "success_rate", "score", "is_healthy", "active_downloads");

        var health = await JsonAsync(platform, "/health");
        AssertFields(health, "status", "service", "playing");
        Assert.Equal("healthy", health.GetProperty("status").GetString());
    }

    [Fact]
    public async Task The_history_has_a_sample_a_second_and_is_bounded()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(20), "--SmartClient:HistorySamples=10");
        var history = await Poll.UntilAsync(
            async () => (await JsonAsync(platform, "/api/history")).GetProperty("history"),
            seen => seen.GetArrayLength() == 10 && seen[9].GetProperty("timestamp").GetInt64() - seen[0].GetProperty("timestamp").GetInt64() >= 9
                && seen[9].GetProperty("node_scores").EnumerateObject().Count() == 3, _soon, "ten samples");
        AssertFields(history[0], "timestamp", "buffer_level", "buffer_health", "download_rate", "active_downloads", "node_scores");

        var metrics = await JsonAsync(platform, "/api/metrics");
        AssertFields(metrics, "buffer_history", "throughput_history", "node_score_history");
        Assert.Equal(10, metrics.GetProperty("buffer_history").GetArrayLength());
        AssertFields(metrics.GetProperty("buffer_history")[0], "timestamp", "level");
        AssertFields(metrics.GetProperty("throughput_history")[0], "timestamp", "mbps");
        AssertFields(metrics.GetProperty("node_score_history").GetProperty(platform.Nodes[0].Url)[0], "timestamp", "score");
        await Poll.UntilAsync(async () => (await JsonAsync(platform, "/api/history")).GetProperty("history").GetArrayLength() == 10
            && (await JsonAsync(platform, "/api/history")).GetProperty("history")[0].GetProperty("timestamp").GetInt64() > history[9].GetProperty("timestamp").GetInt64(), _soon, "old samples go");
    }

    [Fact]
    public async Task The_page_is_one_file_that_loads_nothing_from_elsewhere()
    {
        await using var platform = await TestPlatform.StartAsync();
        using var answer = await platform.Http.GetAsync("/");
        var page = await answer.Content.ReadAsStringAsync();
        Assert.Equal("text/html; charset=utf-8", answer.Content.Headers.ContentType!.ToString());
        Assert.Contains("default-src 'none'", answer.Headers.GetValues("Content-Security-Policy").Single());
        Assert.DoesNotContain("src=\"http", page);
        Assert.DoesNotContain("@import", page);
        Assert.Contains("color-scheme: light dark", page);
    }

    [Fact]
    public async Task Control_plays_pauses_resumes_and_stops()
    {
        await using var platform = await TestPlatform.StartAsync(new ScaledTime(4));
        var videoId = await platform.AddVideoAsync();
        var answer = await ControlAsync(platform, "play", videoId.ToString());
        Assert.Equal("play", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("action").GetString());
        var playing = await Poll.UntilAsync(() => StatusAsync(platform), status => status.GetProperty("playback_duration").GetDouble() > 0.5, _soon, "it plays");
        Assert.True(playing.GetProperty("playing").GetBoolean());
        Assert.Equal(videoId, playing.GetProperty("video_id").GetGuid());
        Assert.True((await JsonAsync(platform, "/health")).GetProperty("playing").GetBoolean());

        Assert.Equal(HttpStatusCode.OK, (await ControlAsync(platform, "pause")).StatusCode);
        var paused = await StatusAsync(platform);
        Assert.False(paused.GetProperty("playing").GetBoolean());
        await Poll.UntilAsync(() => StatusAsync(platform), status => status.GetProperty("buffer").GetProperty("state").GetString() is "healthy" or "full", _soon, "the buffer fills");
        Assert.Equal(paused.GetProperty("playback_duration").GetDouble(), (await StatusAsync(platform)).GetProperty("playback_duration").GetDouble());

        Assert.Equal(HttpStatusCode.OK, (await ControlAsync(platform, "resume")).StatusCode);
        await Poll.UntilAsync(async () => (await StatusAsync(platform)).GetProperty("playback_duration").GetDouble() > paused.GetProperty("playback_duration").GetDouble(), _soon, "it goes on");

        Assert.Equal(HttpStatusCode.OK, (await ControlAsync(platform, "stop")).StatusCode);
        Assert.False((await StatusAsync(platform)).GetProperty("playing").GetBoolean());
        Assert.Equal(HttpStatusCode.Conflict, (await ControlAsync(platform, "pause")).StatusCode);
        await Poll.UntilAsync(() => Task.FromResult(platform.ViewsOf(videoId) == 1), _soon, "one view");
    }

    [Fact]
    public async Task Another_video_takes_the_place_of_the_one_that_plays()
    {
        await using var platform = await TestPlatform.StartAsync();
        var (first, second) = (await platform.AddVideoAsync(), await platform.AddVideoAsync());
        await ControlAsync(platform, "play", first.ToString());
        var session = platform.Get<SmartPlayer>().Current!;
        await ControlAsync(platform, "play", second.ToString());
        Assert.True(session.WasStopped);
        Assert.Equal(second, platform.Get<SmartPlayer>().Current!.VideoId);
    }

    [Theory]
    [InlineData("""{"action":"rewind"}""", 400)]
    [InlineData("""{}""", 400)]
    [InlineData("""null""", 400)]
    [InlineData("""[1]""", 400)]
    [InlineData("""{"action":""", 400)]
    [InlineData("""{"action":1}""", 400)]
    [InlineData("""{"action":"play"}""", 400)]
    [InlineData("""{"action":"play","video_id":"../etc"}""", 400)]
    [InlineData("""{"action":"play","video_id":"550e8400-e29b-41d4-a716-446655440000"}""", 404)]
    [InlineData("""{"action":"resume"}""", 409)]
    public async Task Control_refuses_what_it_cannot_do(string body, int status)
    {
        await using var platform = await TestPlatform.StartAsync();
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using var answer = await platform.Http.PostAsync("/api/control", content);
        Assert.Equal(status, (int)answer.StatusCode);
        AssertFields(await answer.Content.ReadFromJsonAsync<JsonElement>(), "detail");
    }

    [Fact]
    public async Task Control_cannot_be_sent_by_a_page_of_another_origin()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        using StringContent content = new($$"""{"action":"play","video_id":"{{videoId}}"}""", Encoding.UTF8, "text/plain"); // what needs no preflight
        using var answer = await platform.Http.PostAsync("/api/control", content);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, answer.StatusCode);
        using HttpRequestMessage preflight = new(HttpMethod.Options, "/api/control");
        using var refused = await platform.Http.SendAsync(preflight);
        Assert.False(refused.Headers.Contains("Access-Control-Allow-Origin"));
    }

    [Theory]
    [InlineData("GET", "/api/nothing", 404, "Not Found")]
    [InlineData("DELETE", "/api/status", 405, "Method Not Allowed")]
    public async Task Unknown_routes_and_methods_answer_with_a_detail(string method, string path, int status, string detail)
    {
        await using var platform = await TestPlatform.StartAsync();
        using HttpRequestMessage request = new(new HttpMethod(method), path);
        using var answer = await platform.Http.SendAsync(request);
        Assert.Equal(status, (int)answer.StatusCode);
        Assert.Equal(detail, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString());
    }

    private static Task<HttpResponseMessage> ControlAsync(TestPlatform platform, string action, string? videoId = null) =>
        platform.Http.PostAsJsonAsync("/api/control", new { action, video_id = videoId });

    private static Task<JsonElement> StatusAsync(TestPlatform platform) => JsonAsync(platform, "/api/status");

    private static Task<JsonElement> JsonAsync(TestPlatform platform, string path) => platform.Http.GetFromJsonAsync<JsonElement>(path);

    /// <summary>Exactly these: no more, no fewer.</summary>
    private static void AssertFields(JsonElement element, params string[] names) =>
        Assert.Equal(names.Order(StringComparer.Ordinal), element.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal));
}
