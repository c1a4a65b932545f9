using System.Net;
using System.Security.Cryptography;
using Streaming.Tests.Platform;
using Testing;

namespace Streaming.Tests.Caching;

/// <summary>Memory, disk, store: who answers, how often the store is asked, and what a bad store does.</summary>
public sealed class SegmentCacheTests(Stack stack) : IClassFixture<Stack>
{
    private const string Id = "v1-720p-00000.m4s";

    [Fact]
    public async Task Many_readers_of_a_cold_segment_cost_one_read_of_the_store()
    {
        var (video, key) = await SegmentAsync(800_000);
        TaskCompletionSource go = new();
        stack.Store.OnGet = (seen, _) => seen == key ? new(PauseAt: 1000, Until: go.Task) : null;
        var readers = Enumerable.Range(0, 30).Select(_ => stack.Replica.Client.GetByteArrayAsync(Path(video))).ToArray();
        await Poll.UntilAsync(() => Task.FromResult(stack.Store.GetsOf(key)), gets => gets == 1, TimeSpan.FromSeconds(5), "The fetch begins");
        go.SetResult();
        Assert.All(await Task.WhenAll(readers), bytes => Assert.Equal(video.Segments[Id], bytes));
        Assert.Equal(video.Segments[Id], await stack.Replica.Client.GetByteArrayAsync(Path(video)));
        Assert.Equal(1, stack.Store.GetsOf(key));
    }

    [Fact]
    public async Task The_first_byte_does_not_wait_for_a_slow_store()
    {
        var (video, key) = await SegmentAsync(500_000);
        TaskCompletionSource go = new();
        stack.Store.OnGet = (seen, _) => seen == key ? new(PauseAt: 200_000, Until: go.Task) : null;
        using var answer = await stack.Replica.Client.GetAsync(Path(video), HttpCompletionOption.ResponseHeadersRead);
        var body = await answer.Content.ReadAsStreamAsync();
        var first = new byte[200_000];
        await body.ReadExactlyAsync(first);
        Assert.Equal(video.Segments[Id][..200_000], first);

        using var range = await stack.Replica.GetAsync(Path(video), ("Range", "bytes=1000-1999")); // what is there already is served already
        Assert.Equal(video.Segments[Id][1000..2000], await range.Content.ReadAsByteArrayAsync());
        go.SetResult();
        var rest = new byte[300_000];
        await body.ReadExactlyAsync(rest);
        Assert.Equal(video.Segments[Id][200_000..], rest);
        Assert.Equal(1, stack.Store.GetsOf(key));
    }

    [Fact]
    public async Task A_range_at_the_end_of_a_cold_segment_is_served()
    {
        var (video, key) = await SegmentAsync(500_000);
        using var answer = await stack.Replica.GetAsync(Path(video), ("Range", "bytes=-10"));
        Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
        Assert.Equal(video.Segments[Id][^10..], await answer.Content.ReadAsByteArrayAsync());
        Assert.Equal(video.Segments[Id], await stack.Replica.Client.GetByteArrayAsync(Path(video)));
        Assert.Equal(1, stack.Store.GetsOf(key));
    }

    [Fact]
    public async Task A_reader_that_leaves_does_not_end_the_fetch_of_the_others()
    {
        var (video, key) = await SegmentAsync(500_000);
        TaskCompletionSource go = new();
        stack.Store.OnGet = (seen, _) => seen == key ? new(PauseAt: 100_000, Until: go.Task) : null;
        var first = await stack.Replica.Client.GetAsync(Path(video), HttpCompletionOption.ResponseHeadersRead);
        using var second = await stack.Replica.Client.GetAsync(Path(video), HttpCompletionOption.ResponseHeadersRead);
        first.Dispose();
        go.SetResult();
        Assert.Equal(video.Segments[Id], await second.Content.ReadAsByteArrayAsync());
        Assert.Equal(1, stack.Store.GetsOf(key));
    }

    [Fact]
    public async Task A_fetch_that_everybody_left_is_begun_again_by_the_next_reader()
    {
        var (video, key) = await SegmentAsync(500_000);
        stack.Store.OnGet = (seen, gets) => seen == key && gets == 1 ? new(PauseAt: 100_000, Until: new TaskCompletionSource().Task) : null;
        var abandoned = stack.Store.Abandoned;
        (await stack.Replica.Client.GetAsync(Path(video), HttpCompletionOption.ResponseHeadersRead)).Dispose();
        await Poll.UntilAsync(() => Task.FromResult(stack.Store.Abandoned), now => now > abandoned, TimeSpan.FromSeconds(10), "The fetch is given up");
        Assert.Equal(video.Segments[Id], await stack.Replica.Client.GetByteArrayAsync(Path(video)));
        Assert.Equal(2, stack.Store.GetsOf(key));
    }

    [Fact]
    public async Task A_store_that_breaks_off_is_read_on_from_there()
    {
        var (video, key) = await SegmentAsync(600_000);
        stack.Store.OnGet = (seen, gets) => seen == key && gets <= 2 ? new(CutAt: 200_000) : null;
        Assert.Equal(video.Segments[Id], await stack.Replica.Client.GetByteArrayAsync(Path(video)));
        Assert.Equal(3, stack.Store.GetsOf(key));
    }

    [Fact]
    public async Task A_corrupt_object_is_neither_sent_whole_nor_cached()
    {
        var (video, key) = await SegmentAsync(500_000);
        TaskCompletionSource go = new();
        stack.Store.OnGet = (seen, gets) => seen == key && gets <= 2 ? new(PauseAt: 100_000, Until: go.Task, Corrupt: true) : null;
        using (var answer = await stack.Replica.Client.GetAsync(Path(video), HttpCompletionOption.ResponseHeadersRead))
        {
            go.SetResult();
            await Assert.ThrowsAnyAsync<Exception>(() => answer.Content.ReadAsByteArrayAsync()); // broken off, never a wrong end
        }

        using var range = await stack.Replica.GetAsync(Path(video), ("Range", "bytes=-10")); // nothing was sent yet: a status can tell
        Assert.Equal(HttpStatusCode.ServiceUnavailable, range.StatusCode);
        Assert.NotNull(range.Headers.RetryAfter);
        Assert.Equal(video.Segments[Id], await stack.Replica.Client.GetByteArrayAsync(Path(video)));
        Assert.Equal(3, stack.Store.GetsOf(key));
    }

    [Fact]
    public async Task An_object_that_the_store_lost_answers_404()
    {
        var (video, key) = await SegmentAsync(500_000);
        await stack.Library.RemoveObjectAsync(key);
        using var answer = await stack.Replica.GetAsync(Path(video));
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        Assert.Equal("no-store", answer.Headers.CacheControl!.ToString());
    }

    [Fact]
    public async Task What_memory_has_no_room_for_is_served_from_disk()
    {
        var replica = await stack.StartReplicaAsync("Streaming:MemoryBytes=1048576", "Streaming:DiskBytes=33554432");
        var video = await stack.Library.ReadyAsync([.. Enumerable.Repeat(120_000, 30)]);
        var ids = video.Segments.Keys.Where(id => id.StartsWith("v1-720p-0", StringComparison.Ordinal)).ToList();
        await ReadAllAsync();
        var asked = stack.Store.Gets;
        // The disk is written behind the readers' backs and never blocks them: a round or two settle it.
        await Poll.UntilAsync(async () =>
        {
            var before = stack.Store.Gets;
            await ReadAllAsync();
            return stack.Store.Gets - before;
        }, gets => gets == 0, TimeSpan.FromSeconds(10), "A round without the store");
        Assert.InRange(stack.Store.Gets - asked, 0, ids.Count);
        for (var round = 0; round < 4; round++)
        {
            await ReadAllAsync(); // through promotion to memory and back
        }

        async Task ReadAllAsync()
        {
            foreach (var id in ids)
            {
                Assert.Equal(video.Segments[id], await replica.Client.GetByteArrayAsync($"/stream/{video.Id}/segment/{id}"));
            }
        }
    }

    [Fact]
    public async Task An_object_too_large_for_memory_streams_through_the_disk()
    {
        var replica = await stack.StartReplicaAsync("Streaming:MemoryBytes=1048576");
        var (video, key) = await SegmentAsync(3_000_000);
        var readers = Enumerable.Range(0, 4).Select(_ => replica.Client.GetByteArrayAsync(Path(video)));
        Assert.All(await Task.WhenAll(readers), bytes => Assert.Equal(video.Segments[Id], bytes));
        using var range = await replica.GetAsync(Path(video), ("Range", "bytes=2000000-2000009"));
        Assert.Equal(video.Segments[Id][2_000_000..2_000_010], await range.Content.ReadAsByteArrayAsync());
        Assert.Equal(1, stack.Store.GetsOf(key));
    }

    [Fact]
    public async Task Without_a_disk_cache_evicted_segments_come_from_the_store()
    {
        var replica = await stack.StartReplicaAsync("Streaming:MemoryBytes=1048576", "Streaming:DiskBytes=0");
        var video = await stack.Library.ReadyAsync([.. Enumerable.Repeat(120_000, 15)]);
        for (var round = 0; round < 2; round++)
        {
            foreach (var (id, bytes) in video.Segments)
            {
                Assert.Equal(bytes, await replica.Client.GetByteArrayAsync($"/stream/{video.Id}/segment/{id}"));
            }
        }
    }

    [Fact]
    public async Task Many_clients_read_many_ranges_of_many_segments_without_a_wrong_byte()
    {
        var replica = await stack.StartReplicaAsync("Streaming:MemoryBytes=1048576", "Streaming:DiskBytes=2097152", "Streaming:ConcurrentFetches=3");
        var video = await stack.Library.ReadyAsync([.. Enumerable.Range(0, 25).Select(i => 60_000 + (i * 7919))]);
        var ids = video.Segments.Keys.ToList();
        await Parallel.ForEachAsync(Enumerable.Range(0, 600), new ParallelOptions { MaxDegreeOfParallelism = 24 }, async (i, ct) =>
        {
            Random random = new(i);
            var id = ids[random.Next(ids.Count)];
            var bytes = video.Segments[id];
            var from = random.Next(bytes.Length);
            var to = random.Next(from, bytes.Length);
            using var answer = await replica.GetAsync($"/stream/{video.Id}/segment/{id}", ("Range", $"bytes={from}-{to}"));
            Assert.Equal(HttpStatusCode.PartialContent, answer.StatusCode);
            Assert.Equal(bytes[from..(to + 1)], await answer.Content.ReadAsByteArrayAsync(ct));
        });
    }

    private async Task<(SeededVideo Video, string Key)> SegmentAsync(int bytes)
    {
        var video = await stack.Library.ReadyAsync(bytes);
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(video.Segments[Id])), video.ObjectOf(Id).Sha256);
        return (video, video.ObjectOf(Id).Key);
    }

    private static string Path(SeededVideo video) => $"/stream/{video.Id}/segment/{Id}";
}
