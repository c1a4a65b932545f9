using Storage.Fabric.Consensus;
using Storage.Tests.Nodes.Disks;
using Xunit;

namespace Storage.Tests.Nodes.Logs;

/// <summary>Every step of the disk is a place where the power may fail. What was acknowledged is there afterwards, whatever else the disk kept or lost.</summary>
public sealed class CrashTests
{
    private const int Workers = 4;
    private const long SmallSuperblock = 16 << 10;

    private static readonly Survivors[] _variants = [Survivors.Nothing, Survivors.Everything, Survivors.Prefix, Survivors.Any, Survivors.Any];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Nothing_acknowledged_is_lost_wherever_the_power_fails(int seed)
    {
        MemoryDisk disk = new();
        History history = new();
        await using (LogHost host = new(disk, SmallSuperblock))
        {
            await WorkAsync(host, disk, history, seed);
        }

        var steps = disk.Steps;
        Assert.True(steps.OfType<Step.Deleted>().Any(), "compaction deleted a superblock");
        Random random = new(seed);
        for (var count = 0; count <= steps.Count; count++)
        {
            foreach (var survivors in _variants)
            {
                history.Forget();
                var crashed = PowerCut.After(steps, count, survivors, random);
                await using LogHost host = new(crashed, SmallSuperblock);
                history.Verify(host, $"seed {seed}, {count} of {steps.Count} steps, {survivors}");
                Assert.Equal(0, host.Metrics.DamagedCount);
            }
        }
    }

    /// <summary>After kill -9 the page cache still shows what was never flushed. Who is told of it may rely on it.</summary>
    [Theory]
    [InlineData(4)]
    [InlineData(5)]
    public async Task What_a_restart_shows_survives_a_power_cut(int seed)
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk, SmallSuperblock))
        {
            await WorkAsync(host, disk, new(), seed);
        }

        var steps = disk.Steps;
        for (var count = 1; count <= steps.Count; count += 3)
        {
            // The same steps on a disk that has lost nothing, but has flushed nothing else either.
            MemoryDisk killed = new();
            Replay(steps.Take(count), killed);
            Dictionary<string, byte[]?> shown = [];
            await using (LogHost restarted = new(killed, SmallSuperblock))
            {
                foreach (var id in History.Ids)
                {
                    shown[id] = History.Look(restarted, id);
                }

                await using LogHost later = new(PowerCut.After(killed.Steps, killed.Steps.Count, Survivors.Nothing, Random.Shared), SmallSuperblock);
                foreach (var id in History.Ids.Where(id => shown[id] is not null))
                {
                    Assert.Equal(shown[id], later.Read(id));
                }
            }
        }
    }

    private static void Replay(IEnumerable<Step> steps, MemoryDisk onto)
    {
        Dictionary<int, Node.Log.Files.ILogFile> files = [];
        foreach (var step in steps)
        {
            switch (step)
            {
                case Step.Created created: files[created.File] = onto.Create(created.Name); break;
                case Step.Written written: files[written.File].Write([written.Bytes], written.Offset); break;
                case Step.Truncated truncated: files[truncated.File].Truncate(truncated.Length); break;
                case Step.Flushed flushed: files[flushed.File].Flush(); break;
                case Step.Renamed renamed: onto.Rename(renamed.From, renamed.To); break;
                case Step.Deleted deleted: onto.Delete(deleted.Name); break;
                case Step.FolderFlushed: onto.FlushFolder(); break;
            }
        }
    }

    private static async Task WorkAsync(LogHost host, MemoryDisk disk, History history, int seed)
    {
        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Run(() => WorkAsync(host, disk, history, worker, (seed * 100) + (round * 10) + worker))));
            await host.Log.Compaction.RunAsync(0.3, CancellationToken.None);
            host.Log.Checkpoints.TakeDue();
        }
    }

    private static async Task WorkAsync(LogHost host, MemoryDisk disk, History history, int worker, int seed)
    {
        Random random = new(seed);
        for (var turn = 0; turn < 8; turn++)
        {
            var id = $"w{worker}-{random.Next(History.IdsPerWorker)}";
            if (random.Next(3) == 0)
            {
                var acked = history.Begin(disk, id, null);
                await host.DeleteAsync(id);
                acked();
            }
            else if (host.Log.Find(id) is null)
            {
                var bytes = LogHost.Bytes(random.Next(), random.Next(1, 3000));
                var acked = history.Begin(disk, id, bytes);
                await host.PutAsync(id, bytes);
                acked();
            }

            var ballot = history.NextBallot(disk, $"w{worker}");
            await host.Log.WriteAcceptorStateAsync($"w{worker}", new AcceptorState(ballot.Number, ballot.Number, $"value {ballot.Number}"), CancellationToken.None);
            ballot.Acknowledged();
        }
    }
}
