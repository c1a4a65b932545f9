using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using Aspire.Hosting.ApplicationModel;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Streaming;

/// <summary>Players play on while parts of the platform are away.</summary>
public sealed class Availability(Platform platform)
{
    private const int Players = 8;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_a_replica_killed_every_later_request_succeeds_and_those_in_flight_resume()
    {
        var video = await ReadyAsync(await Clips.NoisyAsync());
        await GatewayCachesAsync(false);
        try
        {
            var url = (await SegmentsAsync(video))[0];
            var (whole, tag) = await WholeAsync(url);
            Assert.True(whole.Length > 500_000, $"{whole.Length} bytes do not stay in flight");

            TaskCompletionSource killed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            var inFlight = Enumerable.Range(0, Players).Select(_ => ReadOverAsync(url, tag, killed.Task)).ToList();
            var victim = platform.Pid("streaming-api-1");
            Process.GetProcessById(victim).Kill();
            killed.SetResult();

            // Longer than the replica takes to come back.
            var back = platform.HealthyAgainAsync("streaming-api-1", victim, Ct);
            var later = Enumerable.Range(0, Players).Select(async _ =>
            {
                var requests = 0;
                do
                {
                    Assert.Equal(whole, (await WholeAsync(url)).Bytes);
                    requests++;
                }
                while (!back.IsCompleted);
                return requests;
            });
            Assert.All(await Task.WhenAll(later), requests => Assert.True(requests > 0));
            await back;
            foreach (var bytes in await Task.WhenAll(inFlight))
            {
                Assert.Equal(whole, bytes);
            }
        }
        finally
        {
            await GatewayCachesAsync(true);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task With_Postgres_and_S3_stopped_a_video_that_was_played_plays_on(bool gatewayCaches)
    {
        var video = await ReadyAsync(await Clips.ShortAsync());
        var unplayed = (await SegmentsAsync(await ReadyAsync(await Clips.ShortAsync())))[^1];
        await GatewayCachesAsync(gatewayCaches);
        // Both replicas have it: a few rounds over the two of them.
        List<byte[]> played = [];
        for (var round = 0; round < 4; round++)
        {
            played = await PlayAsync(video);
        }

        foreach (var store in (string[])["minio", "postgres"])
        {
            await platform.CommandAsync(store, KnownResourceCommands.StopCommand, Ct);
        }

        try
        {
            for (var round = 0; round < 4; round++)
            {
                // What no replica has is refused, which takes nothing from what they have.
                using var refused = await platform.Http.GetAsync(unplayed, Ct);
                Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
                Assert.Equal(played, await PlayAsync(video));
            }
        }
        finally
        {
            foreach (var store in (string[])["postgres", "minio"])
            {
                await platform.CommandAsync(store, KnownResourceCommands.StartCommand, Ct);
                await platform.HealthyAsync(store, Ct);
            }

            await GatewayCachesAsync(true);
        }
    }

    private async Task<Guid> ReadyAsync(byte[] source)
    {
        var video = await platform.UploadAsync(source, Ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
        return video;
    }

    private async Task GatewayCachesAsync(bool caches)
    {
        if (platform.GatewayCaches != caches)
        {
            platform.GatewayCaches = caches;
            await platform.RestartAsync("gateway", Ct);
        }
    }

    /// <summary>Everything that a player of the first rendition asks for, in its order.</summary>
    private async Task<List<byte[]>> PlayAsync(Guid video)
    {
        List<byte[]> played = [await platform.Http.GetByteArrayAsync($"/stream/{video}/manifest", Ct)];
        foreach (var segment in await SegmentsAsync(video))
        {
            played.Add((await WholeAsync(segment)).Bytes);
        }

        return played;
    }

    /// <summary>The addresses of the first rendition's segments.</summary>
    private async Task<List<Uri>> SegmentsAsync(Guid video)
    {
        Uri manifest = new(platform.Http.BaseAddress!, $"/stream/{video}/manifest");
        var lines = (await platform.Http.GetStringAsync(manifest, Ct)).Split('\n');
        Uri media = new(manifest, lines.SkipWhile(line => !line.StartsWith("#EXT-X-STREAM-INF", StringComparison.Ordinal)).ElementAt(1));
        return [.. (await platform.Http.GetStringAsync(media, Ct)).Split('\n').Where(line => line is [not '#', ..]).Select(line => new Uri(media, line))];
    }

    private async Task<(byte[] Bytes, EntityTagHeaderValue Tag)> WholeAsync(Uri url)
    {
        using var answer = await platform.Http.GetAsync(url, Ct);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadAsByteArrayAsync(Ct), answer.Headers.ETag!);
    }

    /// <summary>Begins a segment, waits for the kill with it half read, and goes on; where the connection broke, from there by Range.</summary>
    private async Task<byte[]> ReadOverAsync(Uri url, EntityTagHeaderValue tag, Task killed)
    {
        using MemoryStream read = new();
        var buffer = new byte[16 << 10];
        long? length = null;
        while (length is null || read.Length < length)
        {
            using HttpRequestMessage request = new(HttpMethod.Get, url) { Headers = { IfRange = new(tag), Range = new(read.Length, null) } };
            try
            {
                using var answer = await platform.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Ct);
                Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
                length = answer.Content.Headers.ContentRange!.Length;
                await using var body = await answer.Content.ReadAsStreamAsync(Ct);
                while (await body.ReadAsync(buffer, Ct) is var bytes and not 0)
                {
                    read.Write(buffer, 0, bytes);
                    await killed;
                }
            }
            catch (Exception broken) when (broken is HttpRequestException or IOException && killed.IsCompleted)
            {
                // In flight when its replica died.
            }
        }

        return read.ToArray();
    }
}
