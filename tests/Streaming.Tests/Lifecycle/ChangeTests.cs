using System.Net;
using Lifecycle.Contracts.Videos;
using Streaming.Tests.Platform;
using Testing;

namespace Streaming.Tests.Lifecycle;

/// <summary>What a replica makes of changes, with and without the broker.</summary>
public sealed class ChangeTests(Stack stack) : IClassFixture<Stack>
{
    [Fact]
    public async Task A_video_plays_as_soon_as_it_is_ready()
    {
        var id = await stack.Library.AddAsync(VideoState.Processing);
        Assert.Equal(HttpStatusCode.Conflict, await StatusAsync(id));
        await stack.Library.PublishAsync(id, 1, 1000);
        await Poll.UntilAsync(() => StatusAsync(id), status => status == HttpStatusCode.OK, TimeSpan.FromSeconds(3), "It plays");
    }

    [Fact]
    public async Task A_deletion_is_honoured_at_once_and_the_segments_leave_the_caches()
    {
        var video = await stack.Library.ReadyAsync();
        var segment = $"/stream/{video.Id}/segment/v1-720p-00000.m4s";
        Assert.NotEmpty(await stack.Replica.Client.GetByteArrayAsync(segment));
        await stack.Library.DeleteAsync(video.Id);
        await Poll.UntilAsync(() => StatusAsync(video.Id), status => status == HttpStatusCode.NotFound, TimeSpan.FromSeconds(5), "The deletion is honoured");
        using var answer = await stack.Replica.GetAsync(segment);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
    }

    [Fact]
    public async Task A_new_version_takes_the_old_ones_place_without_a_gap()
    {
        var replica = await stack.StartReplicaAsync("Streaming:RecheckSeconds=1");
        var first = await stack.Library.ReadyAsync(1000);
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(first.Id, replica));
        using var before = await replica.GetAsync($"/stream/{first.Id}/manifest/720p");
        var second = await stack.Library.PublishAsync(first.Id, 2, 1000, 2000);
        await Poll.UntilAsync(async () =>
        {
            Assert.Equal(HttpStatusCode.OK, await StatusAsync(first.Id, replica));
            using var segment = await replica.GetAsync($"/stream/{first.Id}/segment/v2-720p-00001.m4s");
            return segment.StatusCode;
        }, status => status == HttpStatusCode.OK, TimeSpan.FromSeconds(15), "The second version is served");
        Assert.Equal(second.Segments["v2-audio-init.mp4"], await replica.Client.GetByteArrayAsync($"/stream/{first.Id}/segment/v2-audio-init.mp4"));
        using var after = await replica.GetAsync($"/stream/{first.Id}/manifest/720p");
        Assert.NotEqual(before.Headers.ETag, after.Headers.ETag);
    }

    [Fact]
    public async Task More_videos_than_the_cache_holds_all_play()
    {
        var replica = await stack.StartReplicaAsync("Streaming:Videos=2");
        List<SeededVideo> videos = [];
        for (var i = 0; i < 5; i++)
        {
            videos.Add(await stack.Library.ReadyAsync(500));
        }

        foreach (var video in videos.Concat(videos))
        {
            Assert.Equal(video.Segments["v1-720p-init.mp4"], await replica.Client.GetByteArrayAsync($"/stream/{video.Id}/segment/v1-720p-init.mp4"));
        }
    }

    private async Task<HttpStatusCode> StatusAsync(Guid id, Replica? replica = null)
    {
        using var answer = await (replica ?? stack.Replica).GetAsync($"/stream/{id}/manifest");
        return answer.StatusCode;
    }
}
