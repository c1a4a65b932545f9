using Storage.Node.Log.Files;
using Storage.Node.Log.Superblocks;
using Storage.Tests.Nodes.Disks;
using Xunit;

namespace Storage.Tests.Nodes.Logs;

public sealed class WriteTests
{
    [Fact]
    public async Task Many_puts_share_one_fsync()
    {
        MemoryDisk disk = new();
        await using LogHost host = new(disk);
        await host.PutAsync("first", LogHost.Bytes(0, 10));
        using ManualResetEventSlim flushing = new();
        using ManualResetEventSlim others = new();
        disk.Fault = step =>
        {
            if (step is Step.Flushed && !flushing.IsSet)
            {
                flushing.Set();
                others.Wait(TimeSpan.FromSeconds(30));
            }
        };
        var slow = host.PutAsync("slow", LogHost.Bytes(1, 10));
        Assert.True(flushing.Wait(TimeSpan.FromSeconds(30)));
        var before = disk.Flushes;
        var waiting = Enumerable.Range(0, 100).Select(number => host.PutAsync($"c{number}", LogHost.Bytes(number, 100))).ToList();
        Assert.DoesNotContain(waiting, put => put.IsCompleted);
        Assert.Null(host.Log.Find("slow"));
        others.Set();
        Assert.All(await Task.WhenAll(waiting), Assert.True);
        Assert.True(await slow);
        Assert.Equal(before + 2, disk.Flushes);
    }

    [Fact]
    public async Task Of_puts_of_one_id_at_once_exactly_one_is_new()
    {
        await using LogHost host = new(new MemoryDisk());
        var answers = await Task.WhenAll(Enumerable.Range(0, 50).Select(number => Task.Run(() => host.PutAsync("same", LogHost.Bytes(number, 100)))));
        Assert.Single(answers, isNew => isNew);
        Assert.Equal(1, host.Log.ChunkCount);
        Assert.NotNull(host.Read("same"));
    }

    [Fact]
    public async Task A_failed_fsync_fails_its_puts_and_takes_the_superblock_out_of_use()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk))
        {
            Assert.True(await host.PutAsync("before", LogHost.Bytes(1, 100)));
            var isBroken = true;
            disk.Fault = step =>
            {
                if (isBroken && step is Step.Flushed)
                {
                    isBroken = false;
                    throw new IOException("Input/output error");
                }
            };
            await Assert.ThrowsAsync<IOException>(() => host.PutAsync("refused", LogHost.Bytes(2, 100)));
            Assert.True(host.Log.IsFailing);
            Assert.Null(host.Log.Find("refused"));
            Assert.Equal(LogHost.Bytes(1, 100), host.Read("before"));
            Assert.True(await host.PutAsync("after", LogHost.Bytes(3, 100)));
            Assert.False(host.Log.IsFailing);
            Assert.Equal(1u, host.Log.Find("before")!.Superblock.Number);
            Assert.Equal(2u, host.Log.Find("after")!.Superblock.Number);
        }

        // Its bytes did reach the file. What was refused stays refused.
        Assert.Contains(disk.Steps, step => step is Step.Written written && written.Bytes.AsSpan().IndexOf(LogHost.Bytes(2, 100)) >= 0);
        foreach (var withCheckpoints in (bool[])[true, false])
        {
            MemoryDisk copy = new(disk.Names().Where(name => withCheckpoints || LogFolder.NumberOf(name) is not null).Select(name => KeyValuePair.Create(name, disk.Content(name))));
            await using LogHost again = new(copy);
            Assert.Null(again.Log.Find("refused"));
            Assert.Equal(LogHost.Bytes(1, 100), again.Read("before"));
            Assert.Equal(LogHost.Bytes(3, 100), again.Read("after"));
            Assert.Equal(0, again.Metrics.DamagedCount);
        }
    }

    [Fact]
    public async Task A_refused_deletion_does_not_come_back_with_a_restart()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk))
        {
            await host.PutAsync("kept", LogHost.Bytes(1, 100));
            var isBroken = true;
            disk.Fault = step =>
            {
                if (isBroken && step is Step.Flushed)
                {
                    isBroken = false;
                    throw new IOException("Input/output error");
                }
            };
            await Assert.ThrowsAsync<IOException>(() => host.DeleteAsync("kept"));
            Assert.False(await host.PutAsync("kept", LogHost.Bytes(1, 100))); // "it is there": a promise
        }

        await using LogHost again = new(disk.Copy());
        Assert.Equal(LogHost.Bytes(1, 100), again.Read("kept"));
    }

    [Fact]
    public async Task A_log_that_went_on_for_several_superblocks_after_a_failure_opens_again()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk, superblockBytes: 4096))
        {
            await host.PutAsync("before", LogHost.Bytes(1, 100));
            disk.Fault = step =>
            {
                if (step is Step.Flushed)
                {
                    disk.Fault = null;
                    throw new IOException("Input/output error");
                }
            };
            await Assert.ThrowsAsync<IOException>(() => host.PutAsync("refused", LogHost.Bytes(2, 100)));
            for (var number = 0; number < 5; number++)
            {
                Assert.True(await host.PutAsync($"after-{number}", LogHost.Bytes(number, 3000)));
            }

            Assert.True(host.Log.Superblocks.Count > 2);
        }

        await using LogHost again = new(disk.Copy(), superblockBytes: 4096);
        Assert.Equal(LogHost.Bytes(1, 100), again.Read("before"));
        Assert.Null(again.Log.Find("refused"));
        Assert.All(Enumerable.Range(0, 5), number => Assert.Equal(LogHost.Bytes(number, 3000), again.Read($"after-{number}")));
    }

    [Fact]
    public async Task A_full_disk_refuses_and_leaves_neither_files_nor_traces_behind()
    {
        MemoryDisk disk = new();
        await using LogHost host = new(disk);
        await host.PutAsync("before", LogHost.Bytes(1, 100));
        var (names, content) = (disk.Names().Count, disk.Content(LogFolder.FileOf(1)));
        disk.Fault = step =>
        {
            if (step is Step.Written)
            {
                throw new DiskFullException("No space left on device", new IOException());
            }
        };
        for (var attempt = 0; attempt < 20; attempt++)
        {
            await Assert.ThrowsAsync<DiskFullException>(() => host.PutAsync("refused", LogHost.Bytes(2, 100)));
        }

        Assert.Equal(names, disk.Names().Count);
        Assert.Equal(content, disk.Content(LogFolder.FileOf(1)));
        disk.Fault = null;
        Assert.True(await host.PutAsync("refused", LogHost.Bytes(2, 100)));
        Assert.Equal(1u, host.Log.Find("refused")!.Superblock.Number);
    }

    [Fact]
    public async Task Nothing_is_begun_on_a_disk_that_takes_no_file_and_the_log_goes_on_when_it_does()
    {
        MemoryDisk disk = new() { Fault = step => throw new IOException($"Read-only file system: {step.GetType().Name}") };
        await using LogHost host = new(disk);
        await Assert.ThrowsAsync<IOException>(() => host.PutAsync("a", LogHost.Bytes(1, 100)));
        await Assert.ThrowsAsync<IOException>(() => host.PutAsync("a", LogHost.Bytes(1, 100)));
        disk.Fault = null;
        Assert.True(await host.PutAsync("a", LogHost.Bytes(1, 100)));
        Assert.Single(disk.Names());
    }
}
