using System.Text.Json;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>The schemas are enforced, and what goes beyond them is bounded.</summary>
public sealed class Validation(LiveFixture live) : IClassFixture<LiveFixture>
{
    private LiveHost Host => live.Host;

    [Theory]
    [InlineData("ab", "streamId must match ^[a-zA-Z0-9-]{3,64}$.")]
    [InlineData("a_b", "streamId must match ^[a-zA-Z0-9-]{3,64}$.")]
    [InlineData("äöü", "streamId must match ^[a-zA-Z0-9-]{3,64}$.")]
    [InlineData("abc\n", "streamId must match ^[a-zA-Z0-9-]{3,64}$.")]
    [InlineData("01947210-5d20-7a8f-a1c4-6e9b30d2f584", "streamId must not look like a UUID.")]
    [InlineData("019472105d207a8fa1c46e9b30d2f584", "streamId must not look like a UUID.")]
    public async Task An_id_that_does_not_do_is_refused_by_both(string id, string issue)
    {
        Assert.Equal([issue], (await Host.PostAsync(Requests.Stream("valid").Replace("\"streamId\":\"valid\"", $"\"streamId\":{JsonSerializer.Serialize(id)}"))).Issues.Take(1));
        Assert.Equal([issue], (await Host.PutAsync(Requests.Status(id, "READY"))).Issues);
    }

    [Fact]
    public async Task An_id_has_64_characters_at_most()
    {
        Assert.Equal(202, (await Host.PostAsync(Requests.Stream(new string('a', 64)))).Status);
        Assert.Contains("streamId must match ^[a-zA-Z0-9-]{3,64}$.", (await Host.PostAsync(Requests.Stream(new string('a', 65)))).Issues);
    }

    [Theory]
    [InlineData("title", "1", "title must be a string.")]
    [InlineData("title", "\"a\\u0000b\"", "title must not have control characters.")]
    [InlineData("streamId", "7", "streamId must be a string.")]
    [InlineData("startTime", "\"tomorrow\"", "startTime must be an RFC 3339 date-time.")]
    [InlineData("startTime", "\"2026-11-21\"", "startTime must be an RFC 3339 date-time.")]
    [InlineData("startTime", "\"2026-11-21T10:00:00\"", "startTime must be an RFC 3339 date-time.")]
    [InlineData("startTime", "\"2026-13-21T10:00:00Z\"", "startTime must be an RFC 3339 date-time.")]
    [InlineData("startTime", "\"0001-01-01T00:00:00+14:00\"", "startTime must be an RFC 3339 date-time.")]
    [InlineData("startTime", "1700000000", "startTime must be an RFC 3339 date-time.")]
    [InlineData("ingestEndpoints", "\"x\"", "ingestEndpoints must be a non-empty list.")]
    [InlineData("ingestEndpoints", "{}", "ingestEndpoints must be a non-empty list.")]
    [InlineData("metadata", "[]", "metadata must be an object.")]
    [InlineData("metadata", "null", "metadata must be an object.")]
    [InlineData("metadata", "{\"entitlement\":\"  \"}", "metadata.entitlement must not be blank: leave it out to let everybody watch.")]
    [InlineData("metadata", "{\" entitlement\":\"\"}", "metadata. entitlement must not be blank: leave it out to let everybody watch.")]
    [InlineData("metadata", "{\"a\":1}", "metadata.a must be a string.")]
    [InlineData("metadata", "{\"a\":\"x\\u0000\"}", "metadata.a must not have control characters.")]
    [InlineData("extra", "1", "extra is not expected.")]
    [InlineData("__proto__", "{}", "__proto__ is not expected.")]
    public async Task A_field_that_does_not_hold_is_named(string field, string value, string issue)
    {
        var body = JsonSerializer.Deserialize<Dictionary<string, JsonElement>>(Requests.Stream("field-test"))!;
        body[field] = JsonElement.Parse(value);
        var answer = await Host.PostAsync(JsonSerializer.Serialize(body));
        Assert.Equal(400, answer.Status);
        Assert.Contains(issue, answer.Issues);
    }

    [Theory]
    [InlineData("2026-11-21T10:00:00Z", "2026-11-21T10:00:00+00:00")]
    [InlineData("2026-11-21t10:00:00.123456789z", "2026-11-21T10:00:00+00:00")]
    [InlineData("2026-11-21T23:30:00-05:30", "2026-11-22T05:00:00+00:00")]
    public async Task A_start_is_kept_as_the_instant_that_it_is(string given, string shown)
    {
        var id = Requests.NewId();
        Assert.Equal(202, (await Host.PostAsync(Requests.Stream(id, start: given))).Status);
        Assert.Equal(shown, (await Host.GetAsync($"/streams/{id}")).Json.GetProperty("startTime").GetString());
    }

    [Fact]
    public async Task A_title_has_140_characters_at_most_whatever_they_are()
    {
        Assert.Equal(202, (await Host.PostAsync(Requests.Stream(Requests.NewId(), title: string.Concat(Enumerable.Repeat("🎬", 140))))).Status);
        Assert.Equal(["title must have at most 140 characters."], (await Host.PostAsync(Requests.Stream(Requests.NewId(), title: new string('x', 141)))).Issues);
    }

    [Theory]
    [InlineData("rtmp", "rtmp://encoder.example.com/app/key", null)]
    [InlineData("rtmps", "rtmps://encoder.example.com:8443/app/key?auth=1", null)]
    [InlineData("srt", "srt://encoder.example.com:9000?streamid=abc&passphrase=0123456789&mode=caller", null)]
    [InlineData("http", "http://encoder.example.com/a", "protocol must be one of rtmp, rtmps, srt.")]
    [InlineData("file", "file:///etc/passwd", "protocol must be one of rtmp, rtmps, srt.")]
    [InlineData("rtmp", "file:///etc/passwd", "url must be a URI such as rtmp://host:port/path, of at most 2048 characters.")]
    [InlineData("rtmp", "http://encoder.example.com/a", "url must begin with rtmp://, its protocol.")]
    [InlineData("rtmp", "srt://encoder.example.com:9000", "url must begin with rtmp://, its protocol.")]
    [InlineData("rtmp", "rtmp://elsewhere.example.com/a", "url names a host that is not allowed.")]
    [InlineData("rtmp", "rtmp://169.254.169.254/a", "url names a host that is not allowed.")]
    [InlineData("rtmp", "rtmp://127.0.0.1:1936/live/x", "url names a host that is not allowed.")]
    [InlineData("rtmp", "rtmp://encoder.example.com@evil.example.com/a", "url must be a URI such as rtmp://host:port/path, of at most 2048 characters.")]
    [InlineData("rtmp", "rtmp://encoder.example.com/a live=1 pageUrl=x", "url must be a URI such as rtmp://host:port/path, of at most 2048 characters.")]
    [InlineData("rtmp", "rtmp://encoder.example.com\\@evil/a", "url must be a URI such as rtmp://host:port/path, of at most 2048 characters.")]
    [InlineData("rtmp", "rtmp://encoder.example.com/a\n", "url must be a URI such as rtmp://host:port/path, of at most 2048 characters.")]
    [InlineData("rtmp", "concat:/etc/passwd|x", "url must be a URI such as rtmp://host:port/path, of at most 2048 characters.")]
    [InlineData("srt", "srt://encoder.example.com", "url needs a port.")]
    [InlineData("srt", "srt://encoder.example.com:9000?mode=listener", "url has the option mode, which is not allowed.")]
    [InlineData("srt", "srt://encoder.example.com:9000?localaddr=10.0.0.1", "url has the option localaddr, which is not allowed.")]
    [InlineData("rtmp", "rtmp://127.0.0.1:1935/live/somebody-else", "url must be rtmp://127.0.0.1:1935/live/ID: the stream's own place.")]
    [InlineData("rtmp", "rtmp://127.0.0.1:1935/live/ID/../other", "url must be rtmp://127.0.0.1:1935/live/ID: the stream's own place.")]
    [InlineData("rtmp", "rtmp://127.0.0.1:1935/live/ID", null)]
    [InlineData("rtmp", "rtmp://127.0.0.1:1935/live/ID?key=guess", null)]
    public async Task An_endpoint_is_of_a_scheme_and_a_host_that_are_allowed(string protocol, string url, string? issue)
    {
        var id = Requests.NewId();
        url = url.Replace("ID", id);
        foreach (var field in (string[])["url", "backupUrl"])
        {
            Dictionary<string, string> endpoint = new(StringComparer.Ordinal) { ["protocol"] = protocol, ["url"] = protocol is "rtmp" ? $"{LiveHost.Ingest}/{id}" : url, [field] = url };
            var answer = await Host.PostAsync(JsonSerializer.Serialize(new { streamId = id, title = "t", startTime = "2020-01-01T00:00:00Z", ingestEndpoints = new[] { endpoint } }));
            if (issue is null)
            {
                Assert.True(answer.Status is 202 or 409, answer.ToString()); // 409: another address under the same id
            }
            else
            {
                var path = issue.StartsWith("protocol", StringComparison.Ordinal) ? "ingestEndpoints[0]." : $"ingestEndpoints[0].{field}{issue["url".Length..].Replace("ID", id)}";
                Assert.Equal((400, "Validation failed."), (answer.Status, answer.Message));
                Assert.Contains(issue.StartsWith("protocol", StringComparison.Ordinal) ? $"{path}{issue}" : path, answer.Issues);
            }
        }
    }

    [Fact]
    public async Task The_own_ingest_s_address_is_kept_without_a_key()
    {
        var id = Requests.NewId();
        await Host.PostAsync(JsonSerializer.Serialize(new { streamId = id, title = "t", startTime = "2020-01-01T00:00:00Z", ingestEndpoints = new[] { new { protocol = "rtmp", url = $"{LiveHost.Ingest}/{id}?key=mine" } } }));
        Assert.Equal($"{LiveHost.Ingest}/{id}", (await Host.GetAsync($"/streams/{id}")).Json.GetProperty("ingest").GetProperty("endpoints")[0].GetProperty("url").GetString());
    }

    [Fact]
    public async Task Endpoints_and_metadata_are_bounded_in_number_and_size()
    {
        Assert.Equal(["ingestEndpoints must have at most 8 entries."], (await SendAsync(endpoints: Enumerable.Repeat<object>(1, 9))).Issues);
        Assert.Equal(["metadata must have at most 64 entries."], (await SendAsync(Enumerable.Range(0, 65).ToDictionary(n => $"k{n}", _ => "v"))).Issues);
        Assert.Equal(["metadata.k must have at most 1024 characters."], (await SendAsync(new() { ["k"] = new('v', 1025) })).Issues);
        Assert.Equal(["metadata must have at most 16384 characters in all."], (await SendAsync(Enumerable.Range(0, 20).ToDictionary(n => $"k{n}", _ => new string('v', 1000)))).Issues);
        Assert.StartsWith("metadata.", Assert.Single((await SendAsync(new() { [new('k', 65)] = "v" })).Issues), StringComparison.Ordinal);
        Assert.Equal(202, (await SendAsync(Enumerable.Range(0, 64).ToDictionary(n => $"k{n}", _ => "v"))).Status);
    }

    [Fact]
    public async Task A_thousand_mistakes_are_told_as_fifty()
    {
        var body = Enumerable.Range(0, 1000).ToDictionary(n => $"unknown{n}", _ => 1);
        Assert.Equal(50, (await Host.PostAsync(JsonSerializer.Serialize(body))).Issues.Length);
    }

    [Fact]
    public async Task Why_an_input_is_not_taken_is_told_with_the_stream()
    {
        var id = Requests.NewId();
        await Host.PostAsync(Requests.Stream(id));
        await live.Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
        Assert.False(JsonElement.Parse((await Host.GetAsync($"/streams/{id}")).Text).GetProperty("ingest").TryGetProperty("error", out _));
        await live.Store.ExecuteAsync("update live_sessions set input_error = 'The picture is too large.' where stream_id = $1 returning 1", id);
        Assert.Equal("The picture is too large.", JsonElement.Parse((await Host.GetAsync($"/streams/{id}")).Text).GetProperty("ingest").GetProperty("error").GetString());
    }

    [Fact]
    public async Task Metadata_is_normalized_by_the_workflow_and_told_without_the_entitlement()
    {
        var id = Requests.NewId();
        await Host.PostAsync(Requests.Stream(id, metadata: new Dictionary<string, string> { [" region "] = " eu ", ["empty"] = "  ", ["  "] = "nothing", ["entitlement"] = " gold " }));
        await live.Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
        var stream = (await Host.GetAsync($"/streams/{id}")).Json;
        Assert.Equal(["entitlement=gold", "region=eu"], stream.GetProperty("metadata").EnumerateObject().Select(pair => $"{pair.Name}={pair.Value.GetString()}").Order(StringComparer.Ordinal));
        Assert.Equal($"/stream/{id}/manifest?entitlement=gold", stream.GetProperty("playbackUrl").GetString());
        Assert.Equal("gold", await live.Store.ScalarAsync<string>("select entitlement from streams where id = $1", TestContext.Current.CancellationToken, id));

        await using var tap = await EventTap.OpenAsync(live.Servers.RabbitMQ);
        var told = Requests.NewId();
        await Host.PostAsync(Requests.Stream(told, metadata: new Dictionary<string, string> { ["region"] = "eu", ["entitlement"] = "gold" }));
        var heard = Assert.Single(await tap.HearsAsync(told, "StreamProvisionRequested"));
        Assert.Equal("""{"region":"eu"}""", heard.Body.GetProperty("detail").GetProperty("metadata").GetRawText());
    }

    [Fact]
    public async Task A_reason_has_280_characters_at_most_and_nothing_else_is_expected()
    {
        Assert.Equal(["reason must have at most 280 characters."], (await Host.PutAsync(Requests.Status("abc", "READY", new('r', 281)))).Issues);
        Assert.Equal(["more is not expected."], (await Host.PutAsync("""{"streamId":"abc","status":"READY","more":1}""")).Issues);
        Assert.Equal(["reason must be a string."], (await Host.PutAsync("""{"streamId":"abc","status":"READY","reason":1}""")).Issues);
    }

    private async Task<Answer> SendAsync(Dictionary<string, string>? metadata = null, IEnumerable<object>? endpoints = null)
    {
        var id = Requests.NewId();
        return await Host.PostAsync(JsonSerializer.Serialize(new
        {
            streamId = id, title = "t", startTime = "2020-01-01T00:00:00Z", ingestEndpoints = endpoints ?? Requests.Own(id), metadata = metadata ?? [],
        }));
    }
}
