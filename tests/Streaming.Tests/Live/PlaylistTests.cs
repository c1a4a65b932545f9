using System.IO.Compression;
using System.Net;
using Streaming.Tests.Platform;

namespace Streaming.Tests.Live;

/// <summary>The texts themselves, from rows to the last byte.</summary>
public sealed class PlaylistTests(LiveStack stack) : IClassFixture<LiveStack>
{
    private static readonly double[] _durations = [2, 1.9986, 2.0034, 0.1, 2.0021, 0.7013];

    [Fact]
    public async Task One_generation_is_listed_from_its_first_segment()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2, 2.002, 1.98);
        Assert.Equal(
            """
            #EXTM3U
            #EXT-X-VERSION:7
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",DEFAULT=YES,AUTOSELECT=YES,URI="manifest/audio"
            #EXT-X-STREAM-INF:BANDWIDTH=1568000,AVERAGE-BANDWIDTH=200602,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=852x480,FRAME-RATE=30.000,AUDIO="audio",CLOSED-CAPTIONS=NONE
            manifest/480p
            #EXT-X-STREAM-INF:BANDWIDTH=848000,AVERAGE-BANDWIDTH=200602,CODECS="avc1.64001e,mp4a.40.2",RESOLUTION=426x240,FRAME-RATE=30.000,AUDIO="audio",CLOSED-CAPTIONS=NONE
            manifest/240p

            """, await TextAsync(broadcast, "manifest"));
        Assert.Equal(
            """
            #EXTM3U
            #EXT-X-VERSION:7
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-TARGETDURATION:2
            #EXT-X-MEDIA-SEQUENCE:0
            #EXT-X-SERVER-CONTROL:HOLD-BACK=6.0
            #EXT-X-MAP:URI="../segment/v1-480p-init.mp4"
            #EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:00.000Z
            #EXTINF:2.000000,
            ../segment/v1-480p-00000.m4s
            #EXTINF:2.002000,
            ../segment/v1-480p-00001.m4s
            #EXTINF:1.980000,
            ../segment/v1-480p-00002.m4s

            """, await TextAsync(broadcast, "manifest/480p"));
    }

    [Fact]
    public async Task A_second_input_begins_behind_a_discontinuity_with_its_own_map_and_time()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2, 0.52);
        await broadcast.ConnectAsync(away: 7.5);
        await broadcast.AddAsync(2);
        Assert.Equal(
            """
            #EXTM3U
            #EXT-X-VERSION:7
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-TARGETDURATION:2
            #EXT-X-MEDIA-SEQUENCE:0
            #EXT-X-SERVER-CONTROL:HOLD-BACK=6.0
            #EXT-X-MAP:URI="../segment/v1-audio-init.mp4"
            #EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:00.000Z
            #EXTINF:2.000000,
            ../segment/v1-audio-00000.m4s
            #EXTINF:0.520000,
            ../segment/v1-audio-00001.m4s
            #EXT-X-DISCONTINUITY
            #EXT-X-MAP:URI="../segment/v2-audio-init.mp4"
            #EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:10.020Z
            #EXTINF:2.000000,
            ../segment/v2-audio-00002.m4s

            """, await TextAsync(broadcast, "manifest/audio"));
    }

    [Fact]
    public async Task A_window_that_has_slid_counts_what_it_has_left_behind()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2, 2, 2);
        await broadcast.ConnectAsync(away: 1);
        await broadcast.AddAsync(2, 2, 2, 2, 2);

        // The discontinuity still stands before the first segment: it has not been left behind.
        Assert.StartsWith(
            """
            #EXTM3U
            #EXT-X-VERSION:7
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-TARGETDURATION:2
            #EXT-X-MEDIA-SEQUENCE:3
            #EXT-X-SERVER-CONTROL:HOLD-BACK=6.0
            #EXT-X-DISCONTINUITY
            #EXT-X-MAP:URI="../segment/v2-240p-init.mp4"
            #EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:07.000Z
            #EXTINF:2.000000,
            ../segment/v2-240p-00003.m4s

            """, await TextAsync(broadcast, "manifest/240p"), StringComparison.Ordinal);

        await broadcast.AddAsync(2);
        Assert.Equal(
            """
            #EXTM3U
            #EXT-X-VERSION:7
            #EXT-X-INDEPENDENT-SEGMENTS
            #EXT-X-TARGETDURATION:2
            #EXT-X-MEDIA-SEQUENCE:4
            #EXT-X-DISCONTINUITY-SEQUENCE:1
            #EXT-X-SERVER-CONTROL:HOLD-BACK=6.0
            #EXT-X-MAP:URI="../segment/v2-240p-init.mp4"
            #EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:09.000Z
            #EXTINF:2.000000,
            ../segment/v2-240p-00004.m4s
            #EXTINF:2.000000,
            ../segment/v2-240p-00005.m4s
            #EXTINF:2.000000,
            ../segment/v2-240p-00006.m4s
            #EXTINF:2.000000,
            ../segment/v2-240p-00007.m4s
            #EXTINF:2.000000,
            ../segment/v2-240p-00008.m4s

            """, await TextAsync(broadcast, "manifest/240p"));
    }

    [Fact]
    public async Task An_ended_stream_says_so_and_keeps_its_window()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2, 2);
        var before = await TextAsync(broadcast, "manifest/480p");
        Assert.DoesNotContain("#EXT-X-ENDLIST", before, StringComparison.Ordinal);
        await broadcast.EndAsync();
        Assert.Equal(before + "#EXT-X-ENDLIST\n", await TextAsync(broadcast, "manifest/480p"));
    }

    [Fact]
    public async Task A_replica_that_comes_late_lists_what_one_lists_that_was_there_all_along()
    {
        var broadcast = await stack.BeginAsync();
        for (var input = 0; input < 12; input++)
        {
            await broadcast.ConnectAsync(away: 3);
            foreach (var seconds in _durations[..(2 + (input % 5))])
            {
                await broadcast.AddAsync(seconds);
                await TextAsync(broadcast, "manifest/480p");
            }

            var late = await stack.StartReplicaAsync();
            foreach (var name in (string[])["manifest", "manifest/480p", "manifest/240p", "manifest/audio"])
            {
                Assert.Equal(await TextAsync(broadcast, name), await late.Client.GetStringAsync($"{broadcast.Path}/{name}"));
            }

            await late.StopAsync();
        }
    }

    [Fact]
    public async Task A_rendition_that_an_input_does_not_have_goes_on_with_its_best_one()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2);
        await broadcast.ConnectAsync(away: 0, "240p", "audio");
        await broadcast.AddAsync(2);
        Assert.EndsWith(
            """
            ../segment/v1-480p-00000.m4s
            #EXT-X-DISCONTINUITY
            #EXT-X-MAP:URI="../segment/v2-240p-init.mp4"
            #EXT-X-PROGRAM-DATE-TIME:2026-11-21T12:00:02.000Z
            #EXTINF:2.000000,
            ../segment/v2-240p-00001.m4s

            """, await TextAsync(broadcast, "manifest/480p"), StringComparison.Ordinal);
        Assert.DoesNotContain("manifest/480p", await TextAsync(broadcast, "manifest"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_of_sound_alone_has_one_variant()
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync(0, "audio");
        await broadcast.AddAsync(2);
        Assert.EndsWith(
            """
            #EXT-X-STREAM-INF:BANDWIDTH=128000,AVERAGE-BANDWIDTH=100000,CODECS="mp4a.40.2"
            manifest/audio

            """, await TextAsync(broadcast, "manifest"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("manifest")]
    [InlineData("manifest/480p")]
    public async Task A_playlist_is_conditional_and_never_kept(string name)
    {
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync(2);
        using var first = await stack.Replica.GetAsync($"{broadcast.Path}/{name}");
        Assert.Equal("application/vnd.apple.mpegurl", first.Content.Headers.ContentType!.ToString());
        Assert.Equal("no-cache", first.Headers.CacheControl!.ToString());
        Assert.Equal("0", first.Headers.GetValues("X-Accel-Expires").Single());
        Assert.Equal("*", first.Headers.GetValues("Access-Control-Allow-Origin").Single());
        using var head = await stack.Replica.SendAsync(HttpMethod.Head, $"{broadcast.Path}/{name}");
        Assert.Equal(first.Content.Headers.ContentLength, head.Content.Headers.ContentLength);
        using var same = await stack.Replica.GetAsync($"{broadcast.Path}/{name}", ("If-None-Match", first.Headers.ETag!.ToString()));
        Assert.Equal(HttpStatusCode.NotModified, same.StatusCode);
        await broadcast.AddAsync(1.2);
        using var changed = await stack.Replica.GetAsync($"{broadcast.Path}/{name}", ("If-None-Match", first.Headers.ETag.ToString()));
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
    }

    [Fact]
    public async Task A_long_playlist_is_compressed_under_an_ETag_for_each_coding()
    {
        var replica = await stack.StartReplicaAsync("Streams:DvrSeconds=60");
        var broadcast = await stack.BeginAsync();
        await broadcast.ConnectAsync();
        await broadcast.AddAsync([.. Enumerable.Repeat(2.0, 30)]);
        using var plain = await replica.GetAsync($"{broadcast.Path}/manifest/480p");
        HashSet<string> etags = [plain.Headers.ETag!.ToString()];
        foreach (var (coding, decode) in new (string, Func<Stream, Stream>)[] { ("gzip", coded => new GZipStream(coded, CompressionMode.Decompress)), ("br", coded => new BrotliStream(coded, CompressionMode.Decompress)) })
        {
            using var answer = await replica.GetAsync($"{broadcast.Path}/manifest/480p", ("Accept-Encoding", coding));
            Assert.Equal(coding, answer.Content.Headers.ContentEncoding.Single());
            Assert.True(answer.Content.Headers.ContentLength < plain.Content.Headers.ContentLength / 3);
            Assert.True(etags.Add(answer.Headers.ETag!.ToString()));
            using StreamReader decoded = new(decode(await answer.Content.ReadAsStreamAsync()));
            Assert.Equal(await plain.Content.ReadAsStringAsync(), await decoded.ReadToEndAsync());
        }
    }

    private Task<string> TextAsync(Broadcast broadcast, string name) => stack.Replica.Client.GetStringAsync($"{broadcast.Path}/{name}");
}
