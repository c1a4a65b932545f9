using Amazon.S3;
using Amazon.S3.Model;
using Aspire.Hosting.Testing;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Objects;
using Npgsql;
using Testing;

namespace EndToEnd.Tests;

/// <summary>What uploads have left in the stores that is no video: rows and unfinished multipart uploads.</summary>
internal sealed class Leftovers(TestStore store) : IAsyncDisposable
{
    private static readonly TimeSpan _goneWithin = TimeSpan.FromSeconds(60);

    public static async Task<Leftovers> OfAsync(Platform platform, CancellationToken ct)
    {
        async Task<string> NamedAsync(string name) => (await platform.Application.GetConnectionStringAsync(name, ct))!;
        return new(await TestStore.CreateAsync(await NamedAsync("videodb"), await NamedAsync("messaging"), await NamedAsync("storage"), ct));
    }

    public Task NoneAsync(CancellationToken ct) => Poll.UntilAsync(() => CountAsync(ct), left => left == (0, 0), _goneWithin, "nothing left of the upload");

    /// <summary>Waits until an upload is on its way.</summary>
    public Task OneAsync(CancellationToken ct) => Poll.UntilAsync(() => CountAsync(ct), left => left == (1, 1), _goneWithin, "an upload that has begun");

    /// <summary>Objects of one video.</summary>
    public async Task<int> ObjectsAsync(Guid video, CancellationToken ct) =>
        (await store.Get<IAmazonS3>().ListObjectsV2Async(new() { BucketName = store.Get<Bucket>().Name, Prefix = Lifecycle.Contracts.Storage.ObjectKeys.Video(video) }, ct)).S3Objects?.Count ?? 0;

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private async Task<(long Rows, int Uploads)> CountAsync(CancellationToken ct)
    {
        await using var rows = store.Get<NpgsqlDataSource>().CreateCommand("select count(*) from videos where state <> all($1)");
        rows.Parameters.Add(new() { Value = (string[])[.. VideoLifecycle.VisibleNames, VideoLifecycle.Table.NameOf(VideoState.Deleted)] });
        var uploads = await store.Get<IAmazonS3>().ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = store.Get<Bucket>().Name }, ct);
        return ((long)(await rows.ExecuteScalarAsync(ct))!, uploads.MultipartUploads?.Count ?? 0);
    }
}
