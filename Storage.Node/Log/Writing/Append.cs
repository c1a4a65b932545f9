using Storage.Node.Log.Frames;

namespace Storage.Node.Log.Writing;

public enum AppendOutcome
{
    /// <summary>On disk.</summary>
    Written,

    /// <summary>Nothing was written: what is there already decides.</summary>
    Unneeded,
}

/// <summary>One record that wants to be written, if it is still wanted when its turn comes.</summary>
/// <param name="kind">Of the record.</param>
/// <param name="id">Of the chunk.</param>
/// <param name="buffer">Room for the header, then the payload. It belongs to the writer until the task ends.</param>
/// <param name="sha256">Of the payload.</param>
/// <param name="isWanted">Asked by the writer, in the log's order, against what is durable.</param>
public sealed class Append(FrameKind kind, string id, Memory<byte> buffer, byte[] sha256, Func<bool> isWanted)
{
    private readonly TaskCompletionSource<AppendOutcome> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Fails with the <see cref="IOException"/> of the write or the fsync: whether it is there after a crash is then unknown.</summary>
    public Task<AppendOutcome> Ended => _ended.Task;

    public ReadOnlyMemory<byte> Bytes => buffer;

    /// <summary>Records with the same key are not written in one batch, so that each sees what the one before has done.</summary>
    public (bool IsAcceptor, string Id) Key => (kind == FrameKind.Acceptor, id);

    public bool IsWanted => isWanted();

    /// <summary>What is written, once it has its place.</summary>
    public Frame Frame { get; private set; } = null!;

    public void Place(SuperblockIdentity superblock, long offset, long durableBefore)
    {
        Frame = new(kind, id, buffer.Length - Frame.HeaderBytes, sha256, offset, durableBefore);
        Frame.Write(buffer.Span, superblock);
    }

    public void End(AppendOutcome outcome) => _ended.SetResult(outcome);

    public void Fail(Exception exception) => _ended.SetException(exception);
}
