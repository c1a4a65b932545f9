using System.Net;
using System.Net.WebSockets;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>What holds for status streams of either kind, with a bound and a clock of the test's own.</summary>
public sealed class StatusStreamTests(Servers servers) : IAsyncLifetime
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private TestStore _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _store = await servers.CreateStoreAsync(Ct);

    public ValueTask DisposeAsync() => _store.DisposeAsync();

    [Fact]
    public async Task Streams_beyond_the_bound_are_503_until_one_ends()
    {
        await using var host = await UploadHost.StartAsync(_store, Ct, ("Status:MaxStreams", "2"));
        var path = await PathAsync();
        using var events = await OpenAsync(host, path);
        Assert.Equal(HttpStatusCode.OK, events.StatusCode);
        using (ClientWebSocket socket = new())
        {
            await socket.ConnectAsync(new UriBuilder(new Uri(host.Http.BaseAddress!, path)) { Scheme = "ws" }.Uri, Ct);
            using var third = await OpenAsync(host, path);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, third.StatusCode);
            Assert.True(third.Headers.RetryAfter?.Delta > TimeSpan.Zero);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Ct);
        }

        await Poll.UntilAsync(
            async () =>
            {
                using var again = await OpenAsync(host, path);
                return again.StatusCode;
            }, status => status == HttpStatusCode.OK, _within, "a free place");
    }

    [Fact]
    public async Task An_event_stream_without_events_has_a_pulse()
    {
        await using var host = await UploadHost.StartAsync(_store, new FastTime(), Ct);
        using var events = await OpenAsync(host, await PathAsync());
        using StreamReader lines = new(await events.Content.ReadAsStreamAsync(Ct));
        using var within = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        within.CancelAfter(_within);
        Assert.StartsWith("id: ", await lines.ReadLineAsync(within.Token), StringComparison.Ordinal);
        for (var pulses = 0; pulses < 2;)
        {
            var line = Assert.IsType<string>(await lines.ReadLineAsync(within.Token));
            pulses += line == ":" ? 1 : 0;
        }
    }

    private static async Task<HttpResponseMessage> OpenAsync(UploadHost host, string path)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, path);
        request.Headers.Accept.Add(new("text/event-stream"));
        return await host.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
    }

    /// <summary>The stream of a video that waits for a worker.</summary>
    private async Task<string> PathAsync()
    {
        var uploads = _store.Get<UploadStore>();
        var video = Guid.CreateVersion7();
        await uploads.BytesSentAsync(video, await uploads.BeginAsync(video, null, "a.mp4", Ct), 10, new byte[32], Ct);
        await uploads.VerifiedAsync(video, Ct);
        return $"/video/{video}/status/stream";
    }

    /// <summary>Timers run twenty times faster.</summary>
    private sealed class FastTime : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, Shorter(dueTime), Shorter(period));

        private static TimeSpan Shorter(TimeSpan span) => span == Timeout.InfiniteTimeSpan ? span : span / 20;
    }
}
