using Lifecycle.Store.Live;
using Live.Api.Ingest;
using Xunit;

namespace Live.Tests;

/// <summary>What the RTMP server asks, and when it is answered.</summary>
public sealed class IngestCallbacks(LiveFixture live) : IClassFixture<LiveFixture>
{
    private static readonly TimeSpan _letInWithin = TimeSpan.FromSeconds(30);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private StreamKeys Keys => live.Host.Get<StreamKeys>();

    [Fact]
    public async Task A_broadcaster_is_answered_when_a_worker_listens()
    {
        var (id, other) = (await AwaitedAsync(), await AwaitedAsync());
        var publish = AskAsync("publish", id, Keys.KeyOf(id));
        Assert.Equal(204, await AskAsync("play", other, PlayKey(other)));
        Assert.Equal(403, await AskAsync("play", id, Keys.KeyOf(id)));
        Assert.False(publish.IsCompleted);

        Assert.Equal(204, await AskAsync("play", id, PlayKey(id)));
        Assert.Equal(204, await publish);

        // A second worker takes over: the stream is listened to until both have left.
        Assert.Equal(204, await AskAsync("play", id, PlayKey(id)));
        await AskAsync("play_done", id, PlayKey(id));
        Assert.Equal(204, await AskAsync("publish", id, Keys.KeyOf(id)));
        await AskAsync("play_done", id, PlayKey(id));
        publish = AskAsync("publish", id, Keys.KeyOf(id));
        Assert.Equal(204, await AskAsync("publish", other, Keys.KeyOf(other)));
        Assert.False(publish.IsCompleted);
        Assert.Equal(204, await AskAsync("play", id, PlayKey(id)));
        Assert.Equal(204, await publish);
    }

    [Fact]
    public async Task Without_a_worker_a_broadcaster_is_let_in_all_the_same()
    {
        var id = await AwaitedAsync();
        Assert.Equal(204, await AskAsync("publish", id, Keys.KeyOf(id)).WaitAsync(_letInWithin, Ct));
    }

    [Fact]
    public async Task Who_has_the_wrong_key_or_no_session_does_not_wait()
    {
        var id = await AwaitedAsync();
        Assert.Equal(403, await AskAsync("publish", id, PlayKey(id)));
        var unknown = Requests.NewId();
        Assert.Equal(403, await AskAsync("publish", unknown, Keys.KeyOf(unknown)));
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "app=live&call=publish&name=my-one&key=%ff%00")]
    [InlineData("application/x-www-form-urlencoded", "app=live&call=publish&name=my-one?%00&key=x")]
    [InlineData("application/x-www-form-urlencoded", "many")]
    [InlineData("multipart/form-data; boundary=x", "--y\r\nno form")]
    [InlineData("multipart/form-data", "no boundary")]
    [InlineData("text/plain", "app=live")]
    public async Task What_is_no_form_is_refused(string type, string body)
    {
        var text = body == "many" ? string.Join('&', Enumerable.Range(0, 1100).Select(field => $"a{field}=")) : body;
        foreach (var call in (string[])["publish", "play"])
        {
            using ByteArrayContent content = new(System.Text.Encoding.UTF8.GetBytes(text));
            content.Headers.TryAddWithoutValidation("Content-Type", type);
            using var answer = await live.Host.Http.PostAsync(new Uri($"/ingest/{call}", UriKind.Relative), content, Ct);
            Assert.Equal(403, (int)answer.StatusCode);
        }
    }

    private string PlayKey(string id) => live.Host.Get<PlayKeys>().KeyOf(id);

    /// <summary>A stream that waits for its encoder.</summary>
    private async Task<string> AwaitedAsync()
    {
        var id = Requests.NewId();
        Assert.Equal(202, (await live.Host.PostAsync(Requests.Stream(id))).Status);
        await live.Store.UntilAsync(id, "PROVISIONING AwaitLifecycleConfirmation");
        return id;
    }

    private async Task<int> AskAsync(string call, string id, string key)
    {
        using FormUrlEncodedContent form = new(new Dictionary<string, string>(StringComparer.Ordinal) { ["app"] = "live", ["call"] = call, ["name"] = id, ["key"] = key });
        using var answer = await live.Host.Http.PostAsync(new Uri($"/ingest/{call.Replace('_', '-')}", UriKind.Relative), form, Ct);
        return (int)answer.StatusCode;
    }
}
