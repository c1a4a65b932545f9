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
        using MultipartFormDataContent form = new() { { new StringContent("Short"), "title" }, { new ByteArrayContent(await Library.ClipAsync(Ct)), "video", "a.mp4" } };
        using var answer = await account.Http.PostAsync("/upload", form, Ct);
        var body = await answer.JsonAsync(Ct);
        var video = body.GetProperty("video_id").GetGuid();
        await Poll.UntilAsync(
            async () => (await platform.Http.GetFromJsonAsync<JsonElement>(body.GetProperty("status_url").GetString(), Ct)).GetProperty("status").GetString(),
            status => status == "completed", _within, "the end of the upload");
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
