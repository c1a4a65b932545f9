using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
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
}
