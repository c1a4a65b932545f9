using System.Diagnostics;
using Storage.Node.Log.Files;
using Storage.Tests.Nodes.Logs;
using Xunit;

namespace Storage.Tests.Nodes.Processes;

public sealed class StartTests : IDisposable
{
    private const int Chunks = 50_000;
    private const long SuperblockBytes = 16 << 20;

    private static readonly TimeSpan _within = TimeSpan.FromSeconds(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("storage-start-").FullName;

    [Fact]
    public async Task Fifty_thousand_chunks_start_within_two_seconds_with_checkpoints_and_without()
    {
        await using (LogHost host = new(new FolderDisk(_folder), SuperblockBytes))
        {
            for (var from = 0; from < Chunks; from += 500)
            {
                await Task.WhenAll(Enumerable.Range(from, 500).Select(number => host.PutAsync($"{Guid.Empty}-chunk-{number:000}", LogHost.Bytes(number, 1024))));
            }
        }

        await StartAsync("with checkpoints");
        foreach (var checkpoint in Directory.GetFiles(_folder, "*.checkpoint"))
        {
            File.Delete(checkpoint);
        }

        await StartAsync("from the headers");
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private async Task StartAsync(string how)
    {
        var started = Stopwatch.GetTimestamp();
        await using LogHost host = new(new FolderDisk(_folder), SuperblockBytes);
        var took = Stopwatch.GetElapsedTime(started);
        TestContext.Current.TestOutputHelper!.WriteLine($"{how}: {took.TotalMilliseconds:0} ms");
        Assert.True(took < _within, $"{how}: {took.TotalMilliseconds:0} ms");
        Assert.Equal(Chunks, host.Log.ChunkCount);
        Assert.Equal(LogHost.Bytes(40_000, 1024), host.Read($"{Guid.Empty}-chunk-40000"));
    }
}
