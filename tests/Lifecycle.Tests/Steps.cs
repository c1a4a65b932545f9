using System.Security.Cryptography;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Objects;
using Lifecycle.Store.Tasks;
using Lifecycle.Store.Videos;
using Testing;
using Xunit;

namespace Lifecycle.Tests;

/// <summary>What many tests do first.</summary>
internal static class Steps
{
    /// <summary>A video whose source is there as far as the database knows.</summary>
    public static async Task<Guid> UploadedAsync(this TestStore store, CancellationToken ct)
    {
        var uploads = store.Get<UploadStore>();
        var id = Guid.CreateVersion7();
        var token = await uploads.BeginAsync(id, null, "a.mp4", ct);
        Assert.Equal(MoveOutcome.Moved, await uploads.BytesSentAsync(id, token, 10, new byte[32], ct));
        Assert.Equal(MoveOutcome.Moved, await uploads.VerifiedAsync(id, ct));
        Assert.Equal(MoveOutcome.AlreadyThere, await uploads.VerifiedAsync(id, ct));
        return id;
    }

    public static async Task<ClaimedTask> ClaimAsync(this TestStore store, CancellationToken ct) =>
        (await store.Get<TaskQueue>().ClaimAsync("worker-0", ClaimRoom.Any, ct)).Task ?? throw new InvalidOperationException("Nothing to claim.");

    /// <summary>Stores a file of a lease, as a task would.</summary>
    public static async Task<string> PutAsync(this TestStore store, ClaimedTask task, string name, CancellationToken ct)
    {
        using TemporaryFile file = new(1000);
        var key = ObjectKeys.Output(task.VideoId, task.Version, task.LeaseToken, name);
        await store.Get<ObjectStore>().PutFileAsync(key, file.Path, "video/x-matroska", ct);
        return key;
    }
}

/// <summary>A file of random bytes, always the same.</summary>
internal sealed class TemporaryFile : IDisposable
{
    public TemporaryFile(int bytes)
    {
        var content = new byte[bytes];
        new Random(1).NextBytes(content);
        File.WriteAllBytes(Path, content);
    }

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"videoplatform-test-{Guid.NewGuid():N}");

    public async Task<string> HashAsync(CancellationToken ct)
    {
        await using var stream = File.OpenRead(Path);
        return Convert.ToHexString(await SHA256.HashDataAsync(stream, ct));
    }

    public void Dispose() => File.Delete(Path);
}
