namespace Storage.Node.Log.Files;

/// <summary>What the log asks of a file system: real files, or a test's record of writes and fsyncs that it replays up to any crash.</summary>
public interface ILogDisk
{
    IReadOnlyList<string> Names();

    /// <exception cref="DiskFullException">No room.</exception>
    /// <exception cref="IOException">It exists, or the disk fails.</exception>
    ILogFile Create(string name);

    ILogFile Open(string name);

    /// <summary>Replaces <paramref name="to"/>.</summary>
    void Rename(string from, string to);

    void Delete(string name);

    /// <summary>Makes creations, renames and deletions durable.</summary>
    void FlushFolder();

    /// <summary>Of the file system, 0 to 100.</summary>
    double UsedPercent();
}

/// <summary>One file of the log. Reads may run beside each other and beside the one writer.</summary>
public interface ILogFile : IDisposable
{
    long Length { get; }

    /// <returns>Fewer bytes than asked for only at the end of the file.</returns>
    /// <exception cref="ObjectDisposedException">Compaction has deleted the file; what was in it is elsewhere.</exception>
    int Read(Span<byte> buffer, long offset);

    /// <exception cref="DiskFullException">No room; a part may have been written.</exception>
    void Write(IReadOnlyList<ReadOnlyMemory<byte>> buffers, long offset);

    void Truncate(long length);

    /// <summary>fsync. After a failure nothing is known of what was written since the last good one, and asking again proves nothing.</summary>
    void Flush();
}

/// <summary>ENOSPC or EDQUOT: 507, where other failures are 500.</summary>
public sealed class DiskFullException(string message, Exception inner) : IOException(message, inner);
