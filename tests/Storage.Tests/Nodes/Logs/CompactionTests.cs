using Storage.Fabric.Consensus;
using Storage.Node.Log.Superblocks;
using Storage.Tests.Nodes.Disks;
using Xunit;

namespace Storage.Tests.Nodes.Logs;

public sealed class CompactionTests
{
    private const long SuperblockBytes = 16 << 10;
    private const int Chunks = 40;

    [Fact]
    public async Task A_deleted_chunk_stays_deleted_and_its_room_comes_back()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk, SuperblockBytes))
        {
            await FillAsync(host);
            var before = host.Log.Superblocks.Sum(superblock => superblock.End);
            for (var round = 0; round < 4; round++)
            {
                await host.Log.Compaction.RunAsync(0.3, CancellationToken.None);
            }

            Assert.True(host.Log.Superblocks.Sum(superblock => superblock.End) < before * 0.75);
            Verify(host);
        }

        // With the checkpoints, and from the headers alone.
        await using LogHost started = new(disk.Copy(), SuperblockBytes);
        Verify(started);
        await using LogHost scanned = new(ScanOnly(disk), SuperblockBytes);
        Verify(scanned);
    }

    [Fact]
    public async Task A_crash_at_any_step_of_a_compaction_changes_nothing()
    {
        MemoryDisk disk = new();
        await using LogHost host = new(disk, SuperblockBytes);
        await FillAsync(host);
        var begun = disk.Steps.Count;
        await host.Log.Compaction.RunAsync(0.3, CancellationToken.None);
        var steps = disk.Steps;
        Assert.Contains(steps.Skip(begun), step => step is Step.Deleted);
        Random random = new(11);
        for (var count = begun; count <= steps.Count; count++)
        {
            foreach (var survivors in Enum.GetValues<Survivors>())
            {
                await using LogHost after = new(PowerCut.After(steps, count, survivors, random), SuperblockBytes);
                Verify(after);
                await after.Log.Compaction.RunAsync(0.3, CancellationToken.None);
                Verify(after);
            }
        }
    }

    [Fact]
    public async Task Reads_beside_a_compaction_see_every_chunk()
    {
        MemoryDisk disk = new();
        await using LogHost host = new(disk, SuperblockBytes);
        await FillAsync(host);
        using CancellationTokenSource stop = new();
        var reads = 0;
        var reading = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Verify(host);
                reads++;
            }
        });
        for (var round = 0; round < 20; round++)
        {
            await host.Log.Compaction.RunAsync(0.05, CancellationToken.None);
        }

        await stop.CancelAsync();
        await reading;
        Assert.True(reads > 0);
    }

    [Fact]
    public async Task A_superblock_with_a_corrupt_chunk_is_kept()
    {
        MemoryDisk disk = new();
        await using LogHost host = new(disk, SuperblockBytes);
        await FillAsync(host);
        var entry = host.Log.Find("c1")!;
        disk.Flip(LogFolder.FileOf(entry.Superblock.Number), entry.PayloadAt);
        await host.Log.Compaction.RunAsync(0.05, CancellationToken.None);
        Assert.Contains(LogFolder.FileOf(entry.Superblock.Number), disk.Names());
        Assert.Throws<InvalidDataException>(() => host.Read("c1"));
    }

    [Fact]
    public async Task A_start_with_checkpoints_knows_what_a_scan_finds()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk, SuperblockBytes))
        {
            await FillAsync(host);
            host.Log.Checkpoints.TakeAll();
            await host.PutAsync("behind-the-checkpoint", LogHost.Bytes(99, 700));
            await host.DeleteAsync("c1");
            var crashed = disk.Copy();
            await using LogHost withCheckpoints = new(crashed, SuperblockBytes);
            await using LogHost scanned = new(ScanOnly(crashed), SuperblockBytes);
            Assert.Equal(All(scanned), All(withCheckpoints));
            Assert.Null(withCheckpoints.Read("c1"));
            Assert.NotNull(withCheckpoints.Read("behind-the-checkpoint"));
        }
    }

    [Fact]
    public async Task A_damaged_checkpoint_is_not_believed()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk, SuperblockBytes))
        {
            await FillAsync(host);
        }

        var name = LogFolder.CheckpointOf(1);
        foreach (var at in Enumerable.Range(0, disk.Content(name).Length).Where(at => at % 13 == 0))
        {
            var copy = disk.Copy();
            copy.Flip(name, at);
            await using LogHost host = new(copy, SuperblockBytes);
            Verify(host);
        }
    }

    private static MemoryDisk ScanOnly(MemoryDisk disk) =>
        new(disk.Names().Where(name => LogFolder.NumberOf(name) is not null).Select(name => KeyValuePair.Create(name, disk.Content(name))));

    private static List<string> All(LogHost host) => [.. Enumerable.Range(0, Chunks).Select(number => $"c{number}").Append("behind-the-checkpoint").Order(StringComparer.Ordinal)
        .Select(id => host.Log.Find(id) is { } entry ? $"{id} {entry.Superblock.Number} {entry.Offset} {entry.Length} {entry.ChecksumHex}" : $"{id} none")
        .Append(string.Join(' ', host.Log.Superblocks.Select(superblock => $"{superblock.Number}:{superblock.End}:{superblock.LiveBytes}")))];

    private static async Task FillAsync(LogHost host)
    {
        for (var number = 0; number < Chunks; number++)
        {
            await host.PutAsync($"c{number}", LogHost.Bytes(number, 1000 + number));
            await host.Log.WriteAcceptorStateAsync($"c{number % 7}", new AcceptorState(number + 1, number + 1, $"value {number}"), CancellationToken.None);
        }

        for (var number = 0; number < Chunks; number += 2)
        {
            await host.DeleteAsync($"c{number}");
        }

        for (var number = 0; number < 10; number++)
        {
            await host.PutAsync($"filler{number}", LogHost.Bytes(100 + number, 2000));
        }
    }

    private static void Verify(LogHost host)
    {
        for (var number = 0; number < Chunks; number++)
        {
            Assert.Equal(number % 2 == 0 ? null : LogHost.Bytes(number, 1000 + number), host.Read($"c{number}"));
        }

        Assert.Equal("value 39", host.Log.AcceptorStateOf("c4").AcceptedValue);
        Assert.Equal((Chunks / 2) + 10, host.Log.ChunkCount);
    }
}
