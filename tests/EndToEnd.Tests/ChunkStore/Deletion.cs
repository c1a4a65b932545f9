using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Lifecycle.Contracts;
using Testing;
using Xunit;

namespace EndToEnd.Tests.ChunkStore;

/// <summary>A video that is deleted is gone from the chunk store, too: from the manifest, and from every node.</summary>
public sealed class Deletion(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_deleted_video_leaves_no_chunk_on_any_node()
    {
        using var account = await platform.AccountAsync("gateway", Ct);
        var (video, statusUrl) = await account.Http.UploadChunksAsync("Short", await Library.ClipAsync(Ct), "a.mp4", Ct);
        await platform.ChunkedAsync(statusUrl, _within, Ct);
        var manifest = await platform.Http.GetFromJsonAsync<JsonElement>($"/manifest/{video}", Ct);
        var addresses = manifest.GetProperty("chunks").EnumerateArray()
            .SelectMany(chunk => chunk.GetProperty("replicas").EnumerateArray().Select(replica => $"{replica.GetString()}/chunk/{chunk.GetProperty("chunk_id").GetString()}")).ToList();
        Assert.NotEmpty(addresses);

        using var deleted = await account.Http.DeleteAsync($"/api/v1/videos/{video}", Ct);
        Assert.True(deleted.IsSuccessStatusCode);
        foreach (var address in addresses.Prepend($"/manifest/{video}"))
        {
            await Poll.UntilAsync(async () =>
            {
                using var gone = await platform.Http.GetAsync(address, Ct);
                return gone.StatusCode;
            }, status => status == HttpStatusCode.NotFound, _within, $"the end of {address}");
        }
    }

    [Fact]
    public async Task A_video_deleted_at_the_chunk_store_is_deleted_everywhere_though_both_sides_are_killed_on_the_way()
    {
        using var account = await platform.AccountAsync("gateway", Ct);
        using MultipartFormDataContent form = new() { { new StringContent("Short"), "title" }, { new ByteArrayContent(await Library.ClipAsync(Ct)), "video", "a.mp4" } };
        using var answer = await account.Http.PostAsync("/upload", form, Ct);
        var body = await answer.JsonAsync(Ct);
        var video = body.GetProperty("video_id").GetGuid();
        await Poll.UntilAsync(
            async () => (await platform.Http.GetFromJsonAsync<JsonElement>(body.GetProperty("status_url").GetString(), Ct)).GetProperty("status").GetString(),
            status => status == "completed", _within, "the end of the upload");

        platform.Arm(FaultPoint.DeletionTaken, "kill");
        using var metadata = platform.Client("storage-metadata");
        var pid = platform.Pid("storage-metadata");
        using var deleted = await metadata.DeleteAsync($"/video/{video}", Ct);
        Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        await Signals.SendAsync("KILL", pid); // what it has answered is durable
        await platform.HealthyAgainAsync("storage-metadata", pid, Ct);

        await platform.HitAsync(FaultPoint.DeletionTaken, _within); // a worker dies with the video deleted and the chunk store not told
        foreach (var address in (string[])[$"/video/{video}/status", $"/stream/{video}/manifest"])
        {
            await Poll.UntilAsync(async () =>
            {
                using var gone = await platform.Http.GetAsync(address, Ct);
                return gone.StatusCode;
            }, status => status == HttpStatusCode.NotFound, _within, $"the end of {address}");
        }

        using var again = platform.Client("storage-metadata");
        await Poll.UntilAsync(() => again.GetStringAsync("/deletions", Ct), told => !told.Contains($"{video}", StringComparison.Ordinal), _within, "the deletion is taken note of");
        Assert.Equal(0, await platform.Store.ScalarAsync<long>("select count(*) from videos where id = $1 and state <> 'DELETED'", Ct, video));
        await Poll.UntilAsync(() => platform.Store.ScalarAsync<long>("select count(*) from chunk_uploads where video_id = $1", Ct, video), left => left == 0, _within, "the answer to the chunk store");
    }
}
