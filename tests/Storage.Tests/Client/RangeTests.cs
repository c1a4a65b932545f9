using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Smart.Client.Mp4;
using Storage.Fabric.Chunks;
using Testing.Media;
using Xunit;

namespace Storage.Tests.Client;

/// <summary>Parts of the stream (RFC 9110, 14), as browsers ask for them when somebody seeks.</summary>
public sealed class RangeTests
{
    [Fact]
    public async Task The_length_is_known_before_anything_is_read()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        using HttpRequestMessage request = new(HttpMethod.Head, $"/api/stream/{videoId}");
        using var answer = await platform.Http.SendAsync(request);
        Assert.Equal(((await TestVideo.MinuteAsync()).Indexed.Length, "bytes"), ((int)answer.Content.Headers.ContentLength!, answer.Headers.AcceptRanges.Single()));
        Assert.False(answer.Headers.ETag!.IsWeak);
        Assert.Equal(0, platform.Nodes.Sum(node => node.Served));
        using var whole = await platform.Http.GetAsync($"/api/stream/{videoId}");
        Assert.Equal((answer.Content.Headers.ContentLength, answer.Headers.ETag), (whole.Content.Headers.ContentLength, whole.Headers.ETag));
    }

    /// <summary>In chunks: 0.5 is the middle of the first, 6 the end; -0.5 counts from the end.</summary>
    [Theory]
    [InlineData(0.0, null)]
    [InlineData(0.5, 0.75)]
    [InlineData(0.5, 1.5)]
    [InlineData(1.0, null)]
    [InlineData(2.0, 3.0)]
    [InlineData(4.7, null)]
    [InlineData(3.3, 9.0)]
    [InlineData(null, 0.5)]
    [InlineData(null, 2.5)]
    [InlineData(null, 99.0)]
    public async Task A_range_is_that_part_of_the_stream(double? from, double? to)
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        var whole = (await TestVideo.MinuteAsync()).Indexed;
        var (first, last) = (PositionOf(from), PositionOf(to));
        using var answer = await AskAsync(platform, videoId, $"bytes={first}-{last}");
        var start = first ?? Math.Max(0, whole.Length - last!.Value);
        var end = first is null ? whole.Length : Math.Min(whole.Length, (last ?? whole.Length) + 1);
        Assert.Equal((HttpStatusCode.PartialContent, $"bytes {start}-{end - 1}/{whole.Length}"), (answer.StatusCode, answer.Content.Headers.ContentRange!.ToString()));
        Assert.Equal(whole[(int)start..(int)end], await answer.Content.ReadAsByteArrayAsync());

        long? PositionOf(double? chunk) => chunk is { } place ? (long)(place * whole.Length / 6) : null;
    }

    [Theory]
    [InlineData("bytes=0-0")]
    [InlineData("bytes=0-1")] // how Safari asks whether there are ranges
    [InlineData("bytes=-1")]
    public async Task A_few_bytes_are_a_range_and_no_view(string range)
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        using var answer = await AskAsync(platform, videoId, range);
        var bytes = await answer.Content.ReadAsByteArrayAsync();
        var whole = (await TestVideo.MinuteAsync()).Indexed;
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal(range switch { "bytes=-1" => whole[^1..], "bytes=0-0" => whole[..1], _ => whole[..2] }, bytes);
        Assert.Equal(0, platform.ViewsOf(videoId));
    }

    [Fact]
    public async Task A_range_past_the_end_is_416_and_says_where_the_end_is()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        var length = (await TestVideo.MinuteAsync()).Indexed.Length;
        foreach (var range in (string[])[$"bytes={length}-", "bytes=-0"])
        {
            using var answer = await AskAsync(platform, videoId, range);
            Assert.Equal((HttpStatusCode.RequestedRangeNotSatisfiable, $"bytes */{length}"), (answer.StatusCode, answer.Content.Headers.ContentRange!.ToString()));
            Assert.NotEqual("", (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("detail").GetString());
        }

        Assert.Equal(0, platform.Nodes.Sum(node => node.Served));
    }

    [Fact]
    public async Task Several_ranges_or_another_unit_are_answered_with_the_whole()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        var whole = (await TestVideo.MinuteAsync()).Indexed;
        foreach (var range in (string[])["bytes=0-1,5-6", "seconds=1-2"])
        {
            using var answer = await AskAsync(platform, videoId, range);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(whole, await answer.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task If_Range_gives_the_part_of_the_video_that_is_meant_and_else_the_whole()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        using var probe = await AskAsync(platform, videoId, "bytes=0-0");
        var tag = probe.Headers.ETag!.ToString();
        var whole = (await TestVideo.MinuteAsync()).Indexed;
        foreach (var (condition, isPart) in ((string, bool)[])[(tag, true), ("\"other\"", false), ($"W/{tag}", false), ("Sat, 21 Nov 2026 17:00:00 GMT", false)])
        {
            using var answer = await AskAsync(platform, videoId, "bytes=100-199", ("If-Range", condition));
            Assert.Equal(isPart ? (HttpStatusCode.PartialContent, 100) : (HttpStatusCode.OK, whole.Length), (answer.StatusCode, (await answer.Content.ReadAsByteArrayAsync()).Length));
        }

        using var known = await AskAsync(platform, videoId, "bytes=100-199", ("If-None-Match", tag));
        Assert.Equal(HttpStatusCode.NotModified, known.StatusCode);
        using var other = await AskAsync(platform, videoId, "bytes=100-199", ("If-Match", "\"other\""));
        Assert.Equal(HttpStatusCode.PreconditionFailed, other.StatusCode);

        platform.Change(videoId, manifest => manifest with { Chunks = [.. manifest.Chunks.SkipLast(1)] });
        using var changed = await AskAsync(platform, videoId, "bytes=100-199", ("If-Range", tag));
        Assert.Equal(HttpStatusCode.OK, changed.StatusCode);
    }

    [Fact]
    public async Task A_seek_reads_its_own_chunks_and_the_one_before_and_is_no_view()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        Lose(platform, "-000", "-001", "-002");
        var whole = (await TestVideo.MinuteAsync()).Indexed;
        StreamLayout layout = new((await TestVideo.MinuteAsync()).ManifestOf(videoId, []));
        using var answer = await AskAsync(platform, videoId, $"bytes={layout.StartOf(4)}-");
        Assert.Equal(whole[(int)layout.StartOf(4)..], await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(0, platform.ViewsOf(videoId));
    }

    [Fact]
    public async Task A_player_seeks_by_the_index_and_asks_for_nothing_between()
    {
        await using var platform = await TestPlatform.StartAsync();
        var videoId = await platform.AddVideoAsync();
        Lose(platform, "-001", "-002");
        string[] seek = ["-recv_buffer_size", "8192", "-read_intervals", "45%+#1"]; // it reads through gaps that fit into the socket's buffer, and this video would
        var pictures = await Tool.ProbeAsync([.. seek, "-i", $"{platform.Http.BaseAddress}api/stream/{videoId}"], "v:0", "packet=pts_time");
        Assert.InRange(double.Parse(pictures[0], CultureInfo.InvariantCulture), 40, 40.5); // from the key frame before it
    }

    [Fact]
    public void Every_byte_belongs_to_the_chunk_that_begins_at_or_before_it() => FsCheck.Check.One(Config.QuickThrowOnFailure.WithQuietOnSuccess(true), Prop.ForAll(
        Arb.From(Gen.NonEmptyListOf(Gen.Choose(1, 50))), sizes =>
        {
            StreamLayout layout = new(new(Guid.Empty, "", 1, "active", [.. sizes.Select((size, i) => new ChunkPlace($"c{i}", i, size, "", Redundancy.Replication, [], []))]));
            for (var (position, chunk) = (0, 0); position < layout.Length; position++)
            {
                chunk += position == layout.StartOf(chunk + 1) ? 1 : 0;
                Assert.Equal(chunk, layout.ChunkAt(position));
            }
        }));

    private static void Lose(TestPlatform platform, params string[] chunks)
    {
        foreach (var (node, id) in platform.Nodes.SelectMany(node => node.Chunks.Keys.Select(id => (node, id))).Where(chunk => chunks.Any(chunk.id.EndsWith)).ToList())
        {
            node.Chunks.TryRemove(id, out _);
        }
    }

    private static async Task<HttpResponseMessage> AskAsync(TestPlatform platform, Guid videoId, string range, params (string Name, string Value)[] conditions)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, $"/api/stream/{videoId}");
        request.Headers.TryAddWithoutValidation("Range", range);
        foreach (var (name, value) in conditions)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return await platform.Http.SendAsync(request);
    }
}
