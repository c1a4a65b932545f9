using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text.Json;
using Aspire.Hosting.ApplicationModel;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Media;
using Testing;
using Testing.Media;
using Xunit;

namespace EndToEnd.Tests.ChunkStore;

/// <summary>A video's segments on the chunk store's nodes beside S3, from the owner's wish to the last deleted chunk.</summary>
public sealed class EdgeCopies(Platform platform)
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(4);

    private static readonly string[] _chunkStore = ["storage-metadata", .. Enumerable.Range(1, 5).Select(i => $"storage-node-{i}")];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Placed_by_a_worker_that_dies_it_plays_without_S3_and_S3_plays_without_it_and_its_deletion_leaves_no_chunk()
    {
        using var account = await Account.NewAsync(platform, Ct);
        var source = await Sources.MakeAsync(
            "edge", "mp4", ["-f", "lavfi", "-i", Sources.Picture("25", 7, ",noise=alls=60:allf=t", "1920x1080"), "-f", "lavfi", "-i", Sources.Sine(7),
            .. "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -b:v 12M -maxrate 12M -bufsize 12M -c:a aac".Split(' ')]);
        var video = await account.UploadAsync(await File.ReadAllBytesAsync(source, Ct), Ct);
        Assert.Equal("READY", await platform.EndStateAsync(video, _within, Ct));
        var catalogue = JsonSerializer.Deserialize(
            await platform.Store.ScalarAsync<string>("select catalogue::text from video_versions where video_id = $1", Ct, video), MediaJson.Default.Catalogue)!;
        Assert.Contains(catalogue.Objects, stored => stored.Bytes > EdgeLayout.PieceBytes); // several chunks

        platform.Arm(FaultPoint.EdgeObjectPlaced, "kill");
        using var asked = await account.Http.PutAsync($"/api/v1/videos/{video}/edge", null, Ct);
        Assert.Equal((HttpStatusCode.Accepted, "placing"), (asked.StatusCode, (await asked.JsonAsync(Ct)).GetProperty("edge").GetString()));
        await platform.HitAsync(FaultPoint.EdgeObjectPlaced, _within);
        await Poll.UntilAsync(async () => (await account.GetAsync($"/api/v1/videos/{video}", Ct)).GetProperty("edge").GetString(), edge => edge == "ready", _within, "the edge copy");
        var chunks = await ChunksAsync(video);
        Assert.Equal(EdgeLayout.Of(catalogue).Sum(place => place.Count), chunks.Count);
        var listed = await platform.Http.GetStringAsync("/videos?limit=1000", Ct);
        Assert.DoesNotContain($"{await CopyAsync(video)}", listed, StringComparison.Ordinal);

        await platform.CommandAsync("minio", KnownResourceCommands.StopCommand, Ct);
        try
        {
            await PlayAsync("streaming-api-1", video, catalogue);
        }
        finally
        {
            await platform.CommandAsync("minio", KnownResourceCommands.StartCommand, Ct);
            await platform.HealthyAsync("minio", Ct);
        }

        foreach (var part in _chunkStore)
        {
            await platform.CommandAsync(part, KnownResourceCommands.StopCommand, Ct);
        }

        try
        {
            await PlayAsync("streaming-api-2", video, catalogue);
        }
        finally
        {
            foreach (var part in _chunkStore)
            {
                await platform.CommandAsync(part, KnownResourceCommands.StartCommand, Ct);
                await platform.HealthyAsync(part, Ct);
            }
        }

        using var deleted = await account.Http.DeleteAsync($"/api/v1/videos/{video}", Ct);
        Assert.True(deleted.IsSuccessStatusCode);
        foreach (var address in chunks)
        {
            await Poll.UntilAsync(async () =>
            {
                using var gone = await platform.Http.GetAsync(address, Ct);
                return gone.StatusCode;
            }, status => status == HttpStatusCode.NotFound, _within, $"the end of {address}");
        }

        await Poll.UntilAsync(() => platform.Store.ScalarAsync<long>("select count(*) from edge_copies where video_id = $1", Ct, video), left => left == 0, _within, "the end of the copy");
    }

    /// <summary>Every segment, from a replica that has none of them, is the catalogue's.</summary>
    private async Task PlayAsync(string replica, Guid video, Catalogue catalogue)
    {
        using var http = platform.Client(replica);
        foreach (var track in catalogue.Tracks)
        {
            for (var index = -1; index < track.Segments.Count; index++)
            {
                SegmentId segment = new(catalogue.Version, track.Name, index < 0 ? null : index);
                Assert.Equal(catalogue.Find(segment)!.Sha256, Convert.ToHexStringLower(SHA256.HashData(await http.GetByteArrayAsync($"/stream/{video}/segment/{segment}", Ct))));
            }
        }
    }

    private Task<Guid> CopyAsync(Guid video) => platform.Store.ScalarAsync<Guid>("select id from edge_copies where video_id = $1", Ct, video);

    /// <summary>An address of each chunk.</summary>
    private async Task<List<string>> ChunksAsync(Guid video) =>
        [.. (await platform.Http.GetFromJsonAsync<JsonElement>($"/manifest/{await CopyAsync(video)}", Ct)).GetProperty("chunks").EnumerateArray()
            .Select(chunk => $"{chunk.GetProperty("replicas")[0].GetString()}/chunk/{chunk.GetProperty("chunk_id").GetString()}")];
}
