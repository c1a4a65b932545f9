using System.Globalization;
using System.Net;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Xunit;

namespace EndToEnd.Tests;

/// <summary>Seed 000's <c>/video/{id}/status/stream</c>, through the gateway and at each replica.</summary>
public sealed partial class StatusStreams(Platform platform)
{
    private static readonly string[] _servers = ["gateway", "upload-api-1", "upload-api-2"];

    /// <summary>No video of this run is older.</summary>
    private static readonly DateTimeOffset _began = new(System.Diagnostics.Process.GetCurrentProcess().StartTime);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static TheoryData<string> Servers => [.. _servers];

    [Fact]
    public async Task Every_replica_sends_the_snapshot_then_each_change_in_order_and_closes_after_READY()
    {
        Guid video;
        List<StatusClient> clients = [];
        using EventReader events = new();
        await using (await HeldPool.HoldAsync(platform))
        {
            video = await platform.UploadAsync(await Library.ClipAsync(Ct), Ct);
            foreach (var server in _servers)
            {
                clients.Add(await StatusClient.ConnectAsync(platform.Address(server), $"{video}", Ct));
                AssertMessage(await clients[^1].NextAsync(), video, "UPLOADED");
            }

            await events.OpenAsync(platform.Http, video, Ct);
            AssertMessage(await events.NextAsync(Ct), video, "UPLOADED");
        }

        IReadOnlyList<string>? first = null;
        foreach (var client in clients)
        {
            await using (client)
            {
                var messages = await client.RestAsync();
                Assert.Equal(2, messages.Count);
                AssertMessage(messages[0], video, "PROCESSING");
                AssertMessage(messages[1], video, "READY");
                Assert.Equal(WebSocketCloseStatus.NormalClosure, client.CloseStatus);
                Assert.Equal(first ??= messages, messages);
            }
        }

        Assert.Equal(first, await events.RestAsync(Ct));
        Assert.True(string.CompareOrdinal(TimeOf(first![0]), TimeOf(first[1])) < 0);
    }

    [Theory]
    [MemberData(nameof(Servers))]
    public async Task A_READY_video_s_snapshot_is_all_before_the_close(string server)
    {
        var video = await Library.ReadyAsync(platform, Ct);
        await using var client = await StatusClient.ConnectAsync(platform.Address(server), $"{video}", Ct);
        AssertMessage(Assert.Single(await client.RestAsync()), video, "READY");
        Assert.Equal(WebSocketCloseStatus.NormalClosure, client.CloseStatus);
    }

    [Fact]
    public async Task A_stream_closes_after_FAILED_and_a_later_one_after_its_snapshot()
    {
        StatusClient client;
        Guid video;
        await using (await HeldPool.HoldAsync(platform))
        {
            video = await platform.UploadAsync(Library.Text, Ct);
            client = await StatusClient.ConnectAsync(platform.Address("gateway"), $"{video}", Ct);
        }

        await using (client)
        {
            Assert.Equal(["UPLOADED", "PROCESSING", "FAILED"], (await client.RestAsync()).Select(StateOf));
            Assert.Equal(WebSocketCloseStatus.NormalClosure, client.CloseStatus);
        }

        await using var later = await StatusClient.ConnectAsync(platform.Address("gateway"), $"{video}", Ct);
        AssertMessage(Assert.Single(await later.RestAsync()), video, "FAILED");
        Assert.Equal(WebSocketCloseStatus.NormalClosure, later.CloseStatus);
    }

    [Fact]
    public async Task Deleting_a_video_closes_its_streams_at_every_replica()
    {
        await using var held = await HeldPool.HoldAsync(platform);
        var video = await platform.UploadAsync(await Library.ClipAsync(Ct), Ct);
        List<StatusClient> clients = [];
        foreach (var server in _servers)
        {
            clients.Add(await StatusClient.ConnectAsync(platform.Address(server), $"{video}", Ct));
            AssertMessage(await clients[^1].NextAsync(), video, "UPLOADED");
        }

        using EventReader events = new();
        await events.OpenAsync(platform.Http, video, Ct);
        AssertMessage(await events.NextAsync(Ct), video, "UPLOADED");
        using var deleted = await platform.Admin.DeleteAsync($"/api/v1/videos/{video}", Ct);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        foreach (var client in clients)
        {
            await using (client)
            {
                Assert.Empty(await client.RestAsync());
                Assert.Equal(WebSocketCloseStatus.NormalClosure, client.CloseStatus);
            }
        }

        Assert.Empty(await events.RestAsync(Ct));
    }

    [Fact]
    public async Task A_client_may_close_or_vanish_at_any_time_and_the_video_goes_on()
    {
        Guid video;
        await using (await HeldPool.HoldAsync(platform))
        {
            video = await platform.UploadAsync(await Library.ClipAsync(Ct), Ct);
            await using var closing = await StatusClient.ConnectAsync(platform.Address("gateway"), $"{video}", Ct);
            await closing.CloseAsync(); // returns with the server's half of the handshake
            Assert.Equal(WebSocketCloseStatus.NormalClosure, closing.CloseStatus);
            await using var vanishing = await StatusClient.ConnectAsync(platform.Address("gateway"), $"{video}", Ct);
            Assert.NotNull(await vanishing.NextAsync());
        }

        Assert.Equal("READY", await platform.EndStateAsync(video, Library.EndsWithin, Ct));
    }

    [Fact]
    public async Task An_id_that_nobody_has_is_404_before_the_upgrade()
    {
        foreach (var server in _servers)
        {
            Assert.Equal(HttpStatusCode.NotFound, await StatusClient.RefusalAsync(platform.Address(server), $"{Guid.NewGuid()}", Ct));
            Assert.Equal(HttpStatusCode.NotFound, await StatusClient.RefusalAsync(platform.Address(server), "nobody", Ct));
        }

        using var plain = await platform.Http.GetAsync($"/video/{Guid.NewGuid()}/status/stream", Ct);
        await plain.ProblemAsync(404, "unknown-video", Ct);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("12", "dGhlIHNhbXBsZSBub25jZQ==")]
    [InlineData("13", "short")]
    [InlineData("13", null)]
    public async Task What_is_no_valid_upgrade_is_400(string? version, string? key)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/video/{await Library.ReadyAsync(platform, Ct)}/status/stream");
        if (version is not null)
        {
            request.Headers.Connection.Add("Upgrade");
            request.Headers.Upgrade.Add(new("websocket"));
            request.Headers.Add("Sec-WebSocket-Version", version);
            request.Headers.Add("Sec-WebSocket-Key", key);
        }

        using var answer = await platform.Http.SendAsync(request, Ct);
        await answer.ProblemAsync(400, "not-websocket", Ct);
        Assert.Equal("websocket", $"{answer.Headers.Upgrade}");
    }

    [Fact]
    public async Task The_status_says_the_same_with_progress_and_is_never_cached()
    {
        var video = await Library.ReadyAsync(platform, Ct);
        using var answer = await platform.Http.GetAsync($"/video/{video}/status", Ct);
        Assert.Equal((HttpStatusCode.OK, "application/json", "no-store"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, $"{answer.Headers.CacheControl}"));
        var body = await answer.JsonAsync(Ct);
        Assert.Equal(["videoId", "state", "timestamp", "progress"], body.EnumerateObject().Select(property => property.Name));
        Assert.Equal((video, "READY", 1), (body.GetProperty("videoId").GetGuid(), body.GetProperty("state").GetString(), body.GetProperty("progress").GetDouble()));
        await using var client = await StatusClient.ConnectAsync(platform.Address("gateway"), $"{video}", Ct);
        Assert.Equal(TimeOf(Assert.Single(await client.RestAsync())), body.GetProperty("timestamp").GetString());
    }

    /// <summary>The contract's three fields and no more.</summary>
    private static void AssertMessage(string? message, Guid video, string state)
    {
        using var body = JsonDocument.Parse(Assert.IsType<string>(message));
        Assert.Equal(["videoId", "state", "timestamp"], body.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal((video, state), (body.RootElement.GetProperty("videoId").GetGuid(), body.RootElement.GetProperty("state").GetString()));
        var time = body.RootElement.GetProperty("timestamp").GetString()!;
        Assert.Matches(Iso8601(), time);
        Assert.InRange(DateTimeOffset.Parse(time, CultureInfo.InvariantCulture), _began, TimeProvider.System.GetUtcNow().AddSeconds(1));
    }

    private static string StateOf(string message) => Field(message, "state");

    private static string TimeOf(string message) => Field(message, "timestamp");

    private static string Field(string message, string name)
    {
        using var body = JsonDocument.Parse(message);
        return body.RootElement.GetProperty(name).GetString()!;
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Iso8601();
}
