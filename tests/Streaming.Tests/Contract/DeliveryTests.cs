using System.IO.Compression;
using System.Net;
using Streaming.Tests.Platform;
using VideoPlatform.ServiceDefaults;

namespace Streaming.Tests.Contract;

/// <summary>Ranges, conditions and codings over the wire.</summary>
public sealed class DeliveryTests(Stack stack) : IClassFixture<Stack>
{
    private const string Id = "v1-720p-00001.m4s";

    [Theory]
    [InlineData("bytes=0-0")]
    [InlineData("bytes=0-")]
    [InlineData("bytes=-1")]
    [InlineData("bytes=100-65635")]
    [InlineData("bytes=65536-")]
    [InlineData("bytes=-65537")]
    [InlineData("bytes=70000-70000")]
    public async Task A_range_answers_206_with_exactly_those_bytes(string range)
    {
        var video = await stack.SharedVideoAsync();
        var whole = video.Segments[Id];
        var wanted = ByteRange.Parse(range, whole.Length);
        using var answer = await SegmentAsync(video, ("Range", range));
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal($"bytes {wanted.Start}-{wanted.Start + wanted.Length - 1}/{whole.Length}", answer.Content.Headers.ContentRange!.ToString());
        Assert.Equal(wanted.Length, answer.Content.Headers.ContentLength);
        Assert.Equal(whole[(int)wanted.Start..(int)(wanted.Start + wanted.Length)], await answer.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("bytes=70001-")]
    [InlineData("bytes=5-2")]
    [InlineData("bytes=-0")]
    [InlineData("bytes=garbage")]
    public async Task A_bad_range_answers_416_with_the_size(string range)
    {
        var video = await stack.SharedVideoAsync();
        using var answer = await SegmentAsync(video, ("Range", range));
        Assert.Equal(HttpStatusCode.RequestedRangeNotSatisfiable, answer.StatusCode);
        Assert.Equal("bytes */70001", answer.Content.Headers.ContentRange!.ToString());
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task Several_ranges_answer_200_with_the_whole()
    {
        var video = await stack.SharedVideoAsync();
        using var answer = await SegmentAsync(video, ("Range", "bytes=0-1,5-6"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(video.Segments[Id], await answer.Content.ReadAsByteArrayAsync());
    }

    [Fact]
    public async Task If_Range_sends_the_part_only_of_the_same_content()
    {
        var video = await stack.SharedVideoAsync();
        var etag = await ETagAsync(video);
        using var same = await SegmentAsync(video, ("Range", "bytes=0-9"), ("If-Range", etag));
        Assert.Equal(HttpStatusCode.PartialContent, same.StatusCode);
        foreach (var other in (string[])["\"other\"", "W/" + etag, "Sat, 21 Nov 2026 00:00:00 GMT"])
        {
            using var whole = await SegmentAsync(video, ("Range", "bytes=0-9"), ("If-Range", other));
            Assert.Equal(HttpStatusCode.OK, whole.StatusCode);
            Assert.Equal(70_001, whole.Content.Headers.ContentLength);
        }
    }

    [Theory]
    [InlineData("*", 304)]
    [InlineData("ETAG", 304)]
    [InlineData("W/ETAG", 304)]
    [InlineData("\"a\", ETAG", 304)]
    [InlineData("\"a\"", 200)]
    [InlineData("garbage", 200)]
    public async Task If_None_Match_answers_304_for_what_the_client_has(string header, int status)
    {
        var video = await stack.SharedVideoAsync();
        var etag = await ETagAsync(video);
        foreach (var method in (HttpMethod[])[HttpMethod.Get, HttpMethod.Head])
        {
            using var answer = await stack.Replica.SendAsync(method, $"/stream/{video.Id}/segment/{Id}", ("If-None-Match", header.Replace("ETAG", etag, StringComparison.Ordinal)), ("Range", "bytes=0-1"));
            Assert.Equal(status == 200 && method == HttpMethod.Get ? 206 : status, (int)answer.StatusCode);
            Assert.Equal(etag, answer.Headers.ETag!.ToString());
            Assert.NotNull(answer.Headers.CacheControl);
        }
    }

    [Theory]
    [InlineData("*", 200)]
    [InlineData("ETAG", 200)]
    [InlineData("W/ETAG", 412)]
    [InlineData("\"a\"", 412)]
    public async Task If_Match_answers_412_for_another_content(string header, int status)
    {
        var video = await stack.SharedVideoAsync();
        using var answer = await SegmentAsync(video, ("If-Match", header.Replace("ETAG", await ETagAsync(video), StringComparison.Ordinal)));
        Assert.Equal(status, (int)answer.StatusCode);
    }

    [Theory]
    [InlineData("gzip, deflate, br", "br")]
    [InlineData("gzip", "gzip")]
    [InlineData("br;q=0, gzip;q=0.5", "gzip")]
    [InlineData("*", "br")]
    [InlineData("identity", "")]
    [InlineData("gzip;q=0", "")]
    public async Task Playlists_come_in_the_coding_that_the_client_takes_each_with_its_own_ETag(string accepted, string coding)
    {
        var video = await stack.SharedVideoAsync();
        var path = $"/stream/{video.Id}/manifest";
        using var plain = await stack.Replica.GetAsync(path);
        using var answer = await stack.Replica.GetAsync(path, ("Accept-Encoding", accepted));
        Assert.Equal(coding, string.Join(',', answer.Content.Headers.ContentEncoding));
        Assert.Equal("Accept-Encoding", answer.Headers.Vary.Single());
        Assert.Equal(coding.Length == 0, plain.Headers.ETag!.Equals(answer.Headers.ETag));
        var body = await answer.Content.ReadAsStreamAsync();
        using StreamReader reader = new(coding switch { "br" => new BrotliStream(body, CompressionMode.Decompress), "gzip" => new GZipStream(body, CompressionMode.Decompress), _ => body });
        Assert.Equal(await plain.Content.ReadAsStringAsync(), await reader.ReadToEndAsync());
        using var again = await stack.Replica.GetAsync(path, ("Accept-Encoding", accepted), ("If-None-Match", answer.Headers.ETag!.ToString()));
        Assert.Equal(HttpStatusCode.NotModified, again.StatusCode);
    }

    [Fact]
    public async Task The_ETag_is_the_same_on_every_replica()
    {
        var video = await stack.SharedVideoAsync();
        var other = await stack.StartReplicaAsync();
        using var answer = await other.GetAsync($"/stream/{video.Id}/segment/{Id}");
        Assert.Equal(await ETagAsync(video), answer.Headers.ETag!.ToString());
    }

    private Task<HttpResponseMessage> SegmentAsync(SeededVideo video, params (string, string)[] headers) => stack.Replica.GetAsync($"/stream/{video.Id}/segment/{Id}", headers);

    private async Task<string> ETagAsync(SeededVideo video)
    {
        using var answer = await SegmentAsync(video);
        return answer.Headers.ETag!.ToString();
    }
}
