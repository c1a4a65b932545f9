using System.Globalization;
using Storage.Node.Log.Files;
using Storage.Node.Log.Frames;

namespace Storage.Node.Log.Superblocks;

/// <summary>The superblocks of a node by number, and the names of their files.</summary>
public sealed class LogFolder(ILogDisk disk, long superblockBytes) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<uint, Superblock> _superblocks = [];
    private uint _highest;
    private Superblock? _active;
    private Fence _fence;

    public ILogDisk Disk => disk;

    /// <summary>The one that is written to; null before the first write, and after a failure.</summary>
    public Superblock? Active
    {
        get
        {
            lock (_lock)
            {
                return _active;
            }
        }
    }

    public static string FileOf(uint number) => string.Create(CultureInfo.InvariantCulture, $"{number:D8}.superblock");

    public static string CheckpointOf(uint number) => string.Create(CultureInfo.InvariantCulture, $"{number:D8}.checkpoint");

    /// <returns>Null: no superblock's name.</returns>
    public static uint? NumberOf(string name) =>
        uint.TryParse(Path.GetFileNameWithoutExtension(name), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && name == FileOf(number) ? number : null;

    /// <summary>In their order, oldest first.</summary>
    public IReadOnlyList<Superblock> All()
    {
        lock (_lock)
        {
            return [.. _superblocks.Values];
        }
    }

    /// <summary>At start, in their order.</summary>
    /// <param name="isContinued">Whether further frames may follow in it.</param>
    public void Adopt(Superblock superblock, bool isContinued)
    {
        lock (_lock)
        {
            _superblocks.Add(superblock.Number, superblock);
            _highest = Math.Max(_highest, superblock.Number);
            _active = isContinued ? superblock : null;
        }
    }

    /// <summary>For the writer: the active one, or a new one where that is full or gone. Its file and its name are durable.</summary>
    public Superblock Writable()
    {
        if (Active is { } active && active.End < superblockBytes)
        {
            return active;
        }

        var identity = SuperblockIdentity.Draw(_highest + 1);
        var file = disk.Create(FileOf(identity.Number));
        try
        {
            file.Write([new SuperblockHeader(identity, _fence).ToBytes()], 0);
            file.Flush();
            disk.FlushFolder();
        }
        catch
        {
            file.Dispose();
            Forget(identity.Number);
            throw;
        }

        Superblock begun = new(identity, file, SuperblockHeader.Bytes) { Fence = _fence };
        Adopt(begun, isContinued: true);
        return begun;
    }

    /// <summary>After a failure: nothing is written to it any more. What it has acknowledged is read on; without any it goes.</summary>
    public void TakeOut(Superblock failed)
    {
        lock (_lock)
        {
            _active = null;
            if (failed.End > SuperblockHeader.Bytes)
            {
                _fence = new(failed.Number, failed.End);
                return;
            }

            _superblocks.Remove(failed.Number);
        }

        failed.Dispose();
        Forget(failed.Number);
    }

    /// <summary>Durable when it returns, so that a later removal never outlives this one in a crash.</summary>
    public void Remove(Superblock superblock)
    {
        disk.Delete(FileOf(superblock.Number));
        disk.Delete(CheckpointOf(superblock.Number));
        disk.FlushFolder();
        lock (_lock)
        {
            _superblocks.Remove(superblock.Number);
        }

        superblock.Dispose();
    }

    public void Dispose()
    {
        foreach (var superblock in All())
        {
            superblock.Dispose();
        }
    }

    /// <summary>Best effort: a start deletes what has no frame.</summary>
    private void Forget(uint number)
    {
        try
        {
            disk.Delete(FileOf(number));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _highest = Math.Max(_highest, number);
        }
    }
}
