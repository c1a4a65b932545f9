using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Aspire.Hosting.Testing;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.ChunkStore;

/// <summary>A video's chunks are coded while it is in use, and read with any two of the five nodes away.</summary>
public sealed class CodedChunks(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(3);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task With_two_of_five_nodes_away_every_coded_chunk_is_read_and_the_video_plays()
    {
        var source = await Sources.GetAsync("25");
        var (video, statusUrl) = await platform.Http.UploadChunksAsync("Coded", await File.ReadAllBytesAsync(source, Ct), "a.mp4", Ct);
        await platform.ChunkedAsync(statusUrl, _within, Ct);
        using var overridden = await platform.Http.PostAsync($"/redundancy/override/{video}?mode=erasure_coding", null, Ct);
        Assert.True(overridden.IsSuccessStatusCode);
        var chunks = await Poll.UntilAsync(
            () => ChunksAsync(video), all => all.All(chunk => chunk.GetProperty("redundancy_mode").GetString() == "erasure_coding"), _within, "the conversion");
        Assert.All(chunks, chunk => Assert.Equal(5, chunk.GetProperty("fragments").GetArrayLength()));

        var away = new[] { platform.Pid("storage-node-2"), platform.Pid("storage-node-4") };
        await Signals.SendAsync("STOP", away);
        try
        {
            foreach (var chunk in chunks)
            {
                var whole = await platform.Http.GetByteArrayAsync($"{chunk.GetProperty("replicas")[0].GetString()}/chunk/{chunk.GetProperty("chunk_id").GetString()}", Ct);
                Assert.Equal(chunk.GetProperty("checksum").GetString(), $"sha256:{Convert.ToHexStringLower(SHA256.HashData(whole))}");
            }

            using var player = platform.Application.CreateHttpClient("smart-client", "http");
            var folder = Sources.NewFolder("coded");
            var played = Path.Combine(folder, "played.mp4");
            await File.WriteAllBytesAsync(played, await player.GetByteArrayAsync($"/api/stream/{video}", Ct), Ct);
            await Tool.CheckedAsync("ffmpeg", "-v", "error", "-i", played, "-f", "null", "-");
            Directory.Delete(folder, recursive: true);
        }
        finally
        {
            await Signals.SendAsync("CONT", away);
        }
    }

    private async Task<List<JsonElement>> ChunksAsync(Guid video) =>
        [.. (await platform.Http.GetFromJsonAsync<JsonElement>($"/manifest/{video}", Ct)).GetProperty("chunks").EnumerateArray()];
}
