using Storage.Node.Log.Files;

namespace Storage.Tests.Nodes.Disks;

/// <summary>What reached the file system, in its order. A flush makes a file's earlier writes durable, a folder flush the names.</summary>
public abstract record Step
{
    public sealed record Created(string Name, int File) : Step;

    public sealed record Written(int File, long Offset, byte[] Bytes) : Step;

    public sealed record Truncated(int File, long Length) : Step;

    public sealed record Flushed(int File) : Step;

    public sealed record Renamed(string From, string To) : Step;

    public sealed record Deleted(string Name) : Step;

    public sealed record FolderFlushed : Step;

    /// <summary>What the test saw acknowledged, or began: between the steps of the disk.</summary>
    public sealed record Noted(Action Note) : Step;
}

/// <summary>A disk in memory that remembers every step, so that <see cref="PowerCut"/> can make of them what a crash at any of them leaves. Fails where a test says so.</summary>
public sealed class MemoryDisk : ILogDisk
{
    private readonly Lock _lock = new();
    private readonly List<Step> _steps = [];
    private readonly Dictionary<string, int> _names = [];
    private readonly Dictionary<int, byte[]> _files = [];
    private int _created;

    public MemoryDisk()
    {
    }

    /// <param name="files">Durable.</param>
    public MemoryDisk(IEnumerable<KeyValuePair<string, byte[]>> files)
    {
        foreach (var (name, bytes) in files)
        {
            Apply(new Step.Created(name, ++_created));
            Apply(new Step.Written(_created, 0, bytes));
            Apply(new Step.Flushed(_created));
        }

        Apply(new Step.FolderFlushed());
    }

    /// <summary>Called before a step happens; what it throws happens instead.</summary>
    public Action<Step>? Fault { get; set; }

    public double Used { get; set; } = 10;

    public IReadOnlyList<Step> Steps
    {
        get
        {
            lock (_lock)
            {
                return [.. _steps];
            }
        }
    }

    public int Flushes => Steps.Count(step => step is Step.Flushed);

    public void Note(Action note) => Apply(new Step.Noted(note));

    public byte[] Content(string name)
    {
        lock (_lock)
        {
            return [.. _files[_names[name]]];
        }
    }

    /// <summary>All that is visible now, on a disk of its own.</summary>
    public MemoryDisk Copy()
    {
        lock (_lock)
        {
            return new(_names.Select(pair => KeyValuePair.Create(pair.Key, (byte[])[.. _files[pair.Value]])));
        }
    }

    /// <summary>Rot: changes bytes behind the log's back.</summary>
    public void Flip(string name, long offset)
    {
        lock (_lock)
        {
            _files[_names[name]][offset] ^= 0x10;
        }
    }

    public IReadOnlyList<string> Names()
    {
        lock (_lock)
        {
            return [.. _names.Keys];
        }
    }

    public ILogFile Create(string name)
    {
        if (Names().Contains(name))
        {
            throw new IOException($"{name} exists.");
        }

        var file = Interlocked.Increment(ref _created);
        Apply(new Step.Created(name, file));
        return new OpenFile(this, file);
    }

    public ILogFile Open(string name)
    {
        lock (_lock)
        {
            return new OpenFile(this, _names[name]);
        }
    }

    public void Rename(string from, string to) => Apply(new Step.Renamed(from, to));

    public void Delete(string name) => Apply(new Step.Deleted(name));

    public void FlushFolder() => Apply(new Step.FolderFlushed());

    public double UsedPercent() => Used;

    /// <summary>What a step does to names and contents, in memory and in a replay.</summary>
    public static void Perform(Step step, Dictionary<string, int> names, Dictionary<int, byte[]> files)
    {
        switch (step)
        {
            case Step.Created created:
                names[created.Name] = created.File;
                files.TryAdd(created.File, []);
                break;
            case Step.Written written:
                var before = files[written.File];
                var after = new byte[Math.Max(before.Length, written.Offset + written.Bytes.Length)];
                before.CopyTo(after, 0);
                written.Bytes.CopyTo(after, written.Offset);
                files[written.File] = after;
                break;
            case Step.Truncated truncated:
                files[truncated.File] = files[truncated.File][..(int)Math.Min(truncated.Length, files[truncated.File].Length)];
                break;
            case Step.Renamed renamed when names.Remove(renamed.From, out var moved):
                names[renamed.To] = moved;
                break;
            case Step.Deleted deleted:
                names.Remove(deleted.Name);
                break;
        }
    }

    private void Apply(Step step)
    {
        if (step is not Step.Noted)
        {
            Fault?.Invoke(step);
        }

        lock (_lock)
        {
            _steps.Add(step);
            Perform(step, _names, _files);
        }
    }

    private sealed class OpenFile(MemoryDisk disk, int file) : ILogFile
    {
        private volatile bool _isClosed;

        public long Length
        {
            get
            {
                lock (disk._lock)
                {
                    return disk._files[file].Length;
                }
            }
        }

        public int Read(Span<byte> buffer, long offset)
        {
            ObjectDisposedException.ThrowIf(_isClosed, this);
            lock (disk._lock)
            {
                var from = disk._files[file].AsSpan((int)Math.Min(offset, disk._files[file].Length));
                var read = Math.Min(buffer.Length, from.Length);
                from[..read].CopyTo(buffer);
                return read;
            }
        }

        public void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset) => disk.Apply(new Step.Written(file, offset, [.. buffers.SelectMany(buffer => buffer.ToArray())]));

        public void Truncate(long length) => disk.Apply(new Step.Truncated(file, length));

        public void Flush() => disk.Apply(new Step.Flushed(file));

        public void Dispose() => _isClosed = true;
    }
}
