using System.Diagnostics;
using System.Net;
using Testing;

namespace Streaming.Tests.Live;

/// <summary>The database is away: its cable is cut.</summary>
public sealed class LiveOutageTests(LiveStack stack) : IClassFixture<LiveStack>
{
    [Fact]
    public async Task Without_the_database_the_last_playlist_is_shown_for_six_seconds_and_segments_for_longer()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectWithAsync(new Encoded("480p", [1]));
        await broadcast.AddAsync([new Encoded("480p", [2])]);
        var unwatched = await stack.BeginAsync();
        await unwatched.ConnectAsync();
        await unwatched.AddAsync(2);
        var asked = Stopwatch.GetTimestamp();
        var before = await stack.Replica.Client.GetStringAsync($"{broadcast.Path}/manifest/480p");
        stack.Database.Cut();
        try
        {
            Assert.Equal(before, await stack.Replica.Client.GetStringAsync($"{broadcast.Path}/manifest/480p"));
            Assert.True(Stopwatch.GetElapsedTime(asked) < TimeSpan.FromSeconds(6), "The machine was too slow to tell.");
            using (var unknown = await stack.Replica.GetAsync($"{unwatched.Path}/manifest"))
            {
                Assert.Equal(HttpStatusCode.ServiceUnavailable, unknown.StatusCode);
            }

            var status = await Poll.UntilAsync(() => StatusAsync($"{broadcast.Path}/manifest/480p"), status => status != HttpStatusCode.OK, TimeSpan.FromSeconds(12), "The playlist is withdrawn");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, status);
            Assert.InRange(Stopwatch.GetElapsedTime(asked), TimeSpan.FromSeconds(6), TimeSpan.FromSeconds(9));
            using var away = await stack.Replica.GetAsync($"{broadcast.Path}/manifest/480p");
            Assert.Equal(TimeSpan.FromSeconds(2), away.Headers.RetryAfter!.Delta);
            Assert.Equal([2], await stack.Replica.Client.GetByteArrayAsync($"{broadcast.Path}/segment/v1-480p-00000.m4s"));
            Assert.Equal([1], await stack.Replica.Client.GetByteArrayAsync($"{broadcast.Path}/segment/v1-480p-init.mp4"));
        }
        finally
        {
            stack.Database.Mend();
        }

        await broadcast.AddAsync(2);
        await Poll.UntilAsync(() => StatusAsync($"{broadcast.Path}/manifest/480p"), status => status == HttpStatusCode.OK, TimeSpan.FromSeconds(5), "The playlist is back");
        Assert.Equal(1, Listing.Read(await stack.Replica.Client.GetStringAsync($"{broadcast.Path}/manifest/480p")).Last);
    }

    private async Task<HttpStatusCode> StatusAsync(string path)
    {
        using var answer = await stack.Replica.GetAsync(path);
        return answer.StatusCode;
    }
}
