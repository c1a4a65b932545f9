using System.Net;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>What a broadcaster may not do, and an input that never comes.</summary>
public sealed class Inputs(Platform platform)
{
    private const int PushRefused = 1;

    /// <summary>Streams:ConfirmationSeconds is 25 here.</summary>
    private static readonly TimeSpan _givenUpWithin = TimeSpan.FromSeconds(45);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Meanwhile: who pushes without the right key does not get in.</summary>
    [Fact]
    public async Task An_SRT_input_that_never_comes_ends_in_WorkflowFailed_and_FAILED()
    {
        await Pool.IdleAsync(platform, Ct);
        using var owner = await Account.NewAsync(platform, Ct);
        await using var events = await StreamEvents.ListenAsync(platform, Ct);
        var absent = await OnAir.ProvisionedAsync(platform, owner, $"srt://127.0.0.1:{FreePorts.Udp()}", Ct);
        await PushesAreRefusedAsync(owner);
        var failed = await absent.WorkflowAsync("WorkflowFailed", _givenUpWithin, Ct);
        Assert.Equal("FAILED", failed.GetProperty("status").GetString());
        var steps = failed.GetProperty("workflow").GetProperty("steps").EnumerateArray().ToDictionary(step => step.GetProperty("state").GetString()!, step => step);
        Assert.Equal("Timeout", steps["AwaitLifecycleConfirmation"].GetProperty("outcome").GetString());
        Assert.InRange(steps["AwaitLifecycleConfirmation"].GetProperty("seconds").GetDouble(), 24.9, 30);
        Assert.Equal("Success", steps["HandleProvisionFailure"].GetProperty("outcome").GetString());
        await events.ToldAsync(absent.Id, "StreamProvisionRequested", "FAILED");
        Assert.Equal(0, await platform.Store.ScalarAsync<long>("select count(*) from live_sessions where stream_id = $1 and state <> 'closed'", Ct, absent.Id));
    }

    [Theory]
    [InlineData("file:///etc/passwd", "ingestEndpoints[0].")]
    [InlineData("http://127.0.0.1/live.m3u8", "ingestEndpoints[0].")]
    [InlineData("rtmp://example.com/live/{id}", "ingestEndpoints[0].url")]
    [InlineData("srt://example.com:9000", "ingestEndpoints[0].url")]
    [InlineData("srt://127.0.0.1:9000?mode=listener", "ingestEndpoints[0].url")]
    [InlineData("rtmp://{own}/live/another-stream", "ingestEndpoints[0].url")]
    public async Task An_endpoint_that_is_not_allowed_is_400_and_leaves_no_stream(string url, string issue)
    {
        using var owner = await Account.NewAsync(platform, Ct);
        var id = OnAir.NewId();
        var own = new Uri(OnAir.IngestUrl(platform, id));
        using var answer = await OnAir.PostAsync(owner.Http, id, url.Replace("{id}", id, StringComparison.Ordinal).Replace("{own}", own.Authority, StringComparison.Ordinal), Ct);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        var issues = (await answer.JsonAsync(Ct)).GetProperty("issues").EnumerateArray().Select(each => each.GetString()!).ToList();
        Assert.Contains(issues, each => each.StartsWith(issue, StringComparison.Ordinal));
        using var unknown = await owner.Http.GetAsync($"/streams/{id}", Ct);
        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
    }

    [Fact]
    public async Task The_RTMP_server_s_questions_are_not_for_clients_of_the_gateway()
    {
        using var answer = await platform.Http.PostAsync("/ingest/publish", new FormUrlEncodedContent([new("app", "live")]), Ct);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task What_viewers_show_to_watch_a_stream_stands_in_no_log_of_the_gateway()
    {
        var id = OnAir.NewId();
        using var answer = await platform.Http.GetAsync($"/stream/{id}/manifest?entitlement=shown-by-a-viewer", Ct);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        var log = Assert.Single(Directory.EnumerateFiles(platform.StateFolder, "access.log", SearchOption.AllDirectories), file => file.Contains("gateway", StringComparison.Ordinal));
        var text = await Poll.UntilAsync(() => File.ReadAllTextAsync(log, Ct), seen => seen.Contains($"/stream/{id}/manifest", StringComparison.Ordinal), _givenUpWithin, "the request's line");
        Assert.DoesNotContain("shown-by-a-viewer", text, StringComparison.Ordinal);
    }

    private async Task PushesAreRefusedAsync(Account owner)
    {
        var stream = await OnAir.ProvisionedAsync(platform, owner, ct: Ct);
        var push = await stream.PushUrlAsync(Ct);
        var place = push.Split('?')[0];
        string[] refused =
        [
            place, $"{place}?key=", $"{place}?key=wrong", $"{push}&name=other", $"{push}&key=wrong", push.Replace("/live/", "/other/", StringComparison.Ordinal),
            push.Replace(stream.Id, OnAir.NewId(), StringComparison.Ordinal),
        ];
        foreach (var url in refused)
        {
            await using var broadcaster = Broadcaster.Push(url);
            Assert.Equal(PushRefused, (await broadcaster.EndedAsync()).ExitCode);
        }

        // The key lets its owner push, and nobody play.
        await using (var broadcaster = Broadcaster.Push(push))
        {
            await stream.StatusAsync("READY", _givenUpWithin, Ct);
            var (_, messages) = await Tool.RunAsync("ffmpeg", "-nostdin", "-v", "error", "-rw_timeout", "10000000", "-i", push, "-t", "1", "-c", "copy", "-f", "null", "-");
            Assert.NotEmpty(messages);
        }

        // The broadcast is over with its stream: the key is worth nothing any more.
        await stream.StatusAsync("COMPLETE", _givenUpWithin, Ct);
        await using var late = Broadcaster.Push(push);
        Assert.Equal(PushRefused, (await late.EndedAsync()).ExitCode);
    }
}
