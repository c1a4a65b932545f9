using Storage.Fabric.Consensus;
using Storage.Node.Log.Frames;
using Storage.Node.Log.Superblocks;
using Storage.Tests.Nodes.Disks;
using Xunit;

namespace Storage.Tests.Nodes.Logs;

/// <summary>Rot and torn writes in one file of ten chunks, each in a batch of its own.</summary>
public sealed class DamageTests
{
    private const int Length = 1000;

    private static readonly string _file = LogFolder.FileOf(1);

    [Fact]
    public async Task A_tail_torn_at_any_byte_costs_only_what_was_never_acknowledged()
    {
        var whole = (await FilledAsync(2)).Content(_file);
        var last = SuperblockHeader.Bytes + Frame.HeaderBytes + Length;
        for (var length = last; length < whole.Length; length += 7)
        {
            MemoryDisk disk = new([KeyValuePair.Create(_file, whole[..length])]);
            await using (LogHost host = new(disk))
            {
                Assert.Equal(LogHost.Bytes(0, Length), host.Read("c0"));
                Assert.Null(host.Read("c1"));
                Assert.Equal(0, host.Metrics.DamagedCount);
                Assert.True(await host.PutAsync("c1", LogHost.Bytes(1, Length)));
            }

            await using LogHost again = new(disk.Copy());
            Assert.Equal(LogHost.Bytes(1, Length), again.Read("c1"));
        }
    }

    [Fact]
    public async Task A_flipped_bit_in_a_header_costs_that_chunk_and_is_named_and_those_behind_it_are_read()
    {
        var disk = await FilledAsync(10);
        var third = SuperblockHeader.Bytes + (3 * (Frame.HeaderBytes + Length));
        foreach (var at in Enumerable.Range(0, Frame.HeaderBytes))
        {
            var damaged = Without(disk, LogFolder.CheckpointOf(1));
            damaged.Flip(_file, third + at);
            await using LogHost host = new(damaged);
            Assert.Equal(1, host.Metrics.DamagedCount);
            Assert.Contains(host.Said, line => line.Contains($"damaged from {third} to {third + Frame.HeaderBytes + Length}", StringComparison.Ordinal));
            foreach (var number in Enumerable.Range(0, 10))
            {
                Assert.Equal(number == 3 ? null : LogHost.Bytes(number, Length), host.Read($"c{number}"));
            }
        }
    }

    [Fact]
    public async Task A_flipped_bit_in_the_file_header_loses_no_chunk()
    {
        var disk = await FilledAsync(10);
        foreach (var at in Enumerable.Range(0, SuperblockHeader.Bytes))
        {
            var damaged = Without(disk, LogFolder.CheckpointOf(1));
            damaged.Flip(_file, at);
            await using LogHost host = new(damaged);
            Assert.All(Enumerable.Range(0, 10), number => Assert.Equal(LogHost.Bytes(number, Length), host.Read($"c{number}")));
            Assert.Equal(1, host.Metrics.DamagedCount);
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(9)]
    public async Task A_flipped_bit_in_a_payload_is_corruption_that_a_put_heals(int number)
    {
        var disk = (await FilledAsync(10)).Copy();
        disk.Flip(_file, SuperblockHeader.Bytes + (number * (Frame.HeaderBytes + Length)) + Frame.HeaderBytes + 500);
        await using (LogHost host = new(disk))
        {
            Assert.Throws<InvalidDataException>(() => host.Read($"c{number}"));
            Assert.True(host.Log.Find($"c{number}")!.IsCorrupt);
            Assert.True(await host.PutAsync($"c{number}", LogHost.Bytes(number, Length)));
            Assert.Equal(LogHost.Bytes(number, Length), host.Read($"c{number}"));
            Assert.Equal(10, host.Log.ChunkCount);
        }

        await using LogHost again = new(disk);
        Assert.Equal(LogHost.Bytes(number, Length), again.Read($"c{number}"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_restart_forgets_no_corruption_that_was_seen(bool isKilled)
    {
        MemoryDisk disk = new();
        MemoryDisk left;
        await using (LogHost host = new(disk))
        {
            await host.PutAsync("rotten", LogHost.Bytes(1, 500));
            await host.PutAsync("sound", LogHost.Bytes(2, 500));
            disk.Flip(LogFolder.FileOf(1), host.Log.Find("rotten")!.PayloadAt + 7);
            Assert.Throws<InvalidDataException>(() => host.Read("rotten"));
            if (isKilled)
            {
                host.Log.SaveMarks(); // the upkeep's round
            }

            left = disk.Copy();
        }

        await using LogHost again = new(isKilled ? left : disk.Copy());
        Assert.True(again.Log.Find("rotten")!.IsCorrupt);
        Assert.False(again.Log.Find("sound")!.IsCorrupt);
        Assert.True(await again.PutAsync("rotten", LogHost.Bytes(1, 500)));
        Assert.Equal(LogHost.Bytes(1, 500), again.Read("rotten"));
    }

    [Fact]
    public async Task A_mark_that_is_no_longer_true_is_not_believed()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk))
        {
            await host.PutAsync("mended", LogHost.Bytes(1, 500));
            disk.Flip(LogFolder.FileOf(1), host.Log.Find("mended")!.PayloadAt);
            Assert.Throws<InvalidDataException>(() => host.Read("mended"));
            host.Log.SaveMarks();
            disk.Flip(LogFolder.FileOf(1), host.Log.Find("mended")!.PayloadAt);
            await using LogHost again = new(disk.Copy());
            Assert.False(again.Log.Find("mended")!.IsCorrupt);
        }
    }

    [Fact]
    public async Task The_scrub_finds_what_nobody_reads()
    {
        var disk = (await FilledAsync(10)).Copy();
        await using LogHost host = new(disk);
        Assert.Equal(0, await host.Log.Scrub.RunAsync(1 << 30, TimeProvider.System, CancellationToken.None));
        disk.Flip(_file, SuperblockHeader.Bytes + (4 * (Frame.HeaderBytes + Length)) + Frame.HeaderBytes);
        Assert.Equal(1, await host.Log.Scrub.RunAsync(1 << 30, TimeProvider.System, CancellationToken.None));
        Assert.True(host.Log.Find("c4")!.IsCorrupt);
        Assert.Equal(1, host.Metrics.CorruptCount);
    }

    [Fact]
    public async Task A_file_that_has_become_shorter_is_said_and_what_it_held_is_corrupt()
    {
        var disk = await FilledAsync(10); // closed in order: the checkpoint names all ten
        var cut = disk.Content(_file)[..(SuperblockHeader.Bytes + (8 * (Frame.HeaderBytes + Length)) + 100)];
        MemoryDisk shorter = new([KeyValuePair.Create(_file, cut), KeyValuePair.Create(LogFolder.CheckpointOf(1), disk.Content(LogFolder.CheckpointOf(1)))]);
        await using LogHost host = new(shorter);
        Assert.Equal(LogHost.Bytes(7, Length), host.Read("c7"));
        Assert.All(["c8", "c9"], id => Assert.True(host.Log.Find(id)!.IsCorrupt));
        Assert.True(await host.PutAsync("c8", LogHost.Bytes(8, Length)));
        Assert.Equal(LogHost.Bytes(8, Length), host.Read("c8"));
    }

    [Fact]
    public async Task Bytes_of_a_chunk_that_look_like_a_frame_are_none()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk))
        {
            await host.PutAsync("outer", LogHost.Bytes(1, 10));
        }

        // A frame as it would stand there, made by somebody who knows everything but the salt.
        var at = SuperblockHeader.Bytes + Frame.HeaderBytes + 10 + Frame.HeaderBytes;
        var forged = new byte[Frame.HeaderBytes];
        new Frame(FrameKind.Tombstone, "outer", 0, new byte[32], at, 0).Write(forged, SuperblockIdentity.Draw(1));
        await using (LogHost host = new(disk))
        {
            await host.PutAsync("carrier", forged);
            await host.PutAsync("later", LogHost.Bytes(2, 10));
        }

        var damaged = Without(disk, LogFolder.CheckpointOf(1));
        damaged.Flip(_file, SuperblockHeader.Bytes + Frame.HeaderBytes + 10); // the carrier's own header: what is in it is searched
        await using LogHost searched = new(damaged);
        Assert.NotNull(searched.Read("outer"));
        Assert.NotNull(searched.Read("later"));
        Assert.Null(searched.Read("carrier"));
    }

    [Fact]
    public async Task An_acceptor_that_may_have_forgotten_does_not_speak()
    {
        MemoryDisk disk = new();
        await using (LogHost host = new(disk))
        {
            await host.Log.WriteAcceptorStateAsync("old", new(1, 1, "first"), CancellationToken.None);
            await host.Log.WriteAcceptorStateAsync("old", new(2, 2, "second"), CancellationToken.None);
            await host.Log.WriteAcceptorStateAsync("new", new(7, 7, "value"), CancellationToken.None);
        }

        var frameBytes = Frame.HeaderBytes + 16 + "first".Length;
        var damaged = Without(disk, LogFolder.CheckpointOf(1));
        damaged.Flip(_file, SuperblockHeader.Bytes + frameBytes); // the header of the second promise
        await using LogHost after = new(damaged);
        Assert.Throws<InvalidDataException>(() => after.Log.AcceptorStateOf("old"));
        Assert.Throws<InvalidDataException>(() => after.Log.AcceptorStateOf("never-seen"));
        Assert.Equal(new AcceptorState(7, 7, "value"), after.Log.AcceptorStateOf("new"));
    }

    private static async Task<MemoryDisk> FilledAsync(int chunks)
    {
        MemoryDisk disk = new();
        await using LogHost host = new(disk);
        for (var number = 0; number < chunks; number++)
        {
            Assert.True(await host.PutAsync($"c{number}", LogHost.Bytes(number, Length)));
        }

        return disk;
    }

    private static MemoryDisk Without(MemoryDisk disk, string name) => new(disk.Names().Where(other => other != name).Select(other => KeyValuePair.Create(other, disk.Content(other))));
}
