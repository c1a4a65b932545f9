namespace Storage.Fabric.Consensus;

/// <summary>What an acceptor must never forget of one chunk. Zero: none yet.</summary>
/// <param name="Promised">It takes part in nothing below this ballot.</param>
/// <param name="AcceptedBallot">The highest ballot in which it has accepted a value.</param>
/// <param name="AcceptedValue">That value.</param>
public sealed record AcceptorState(long Promised, long AcceptedBallot, string? AcceptedValue)
{
    public static readonly AcceptorState None = new(0, 0, null);
}

/// <summary>The answer to a prepare. Refused: <paramref name="Promised"/> says to whom it is bound.</summary>
public sealed record PrepareReply(bool Granted, long Promised, long AcceptedBallot, string? AcceptedValue);

/// <summary>The answer to an accept.</summary>
public sealed record AcceptReply(bool Granted, long Promised);

/// <summary>Where an acceptor keeps its state: a node's log, or a simulated disk.</summary>
public interface IAcceptorLog
{
    /// <summary>The last state whose write has ended well, or that was found at start: never one that a crash could still take back.</summary>
    ValueTask<AcceptorState> ReadAsync(string chunkId, CancellationToken ct);

    /// <summary>
    /// Ends when the state is durable; nothing is answered before. One that fails (an exception) may be there after a restart
    /// and is not before: what is written later for the chunk must win over it.
    /// </summary>
    Task WriteAsync(string chunkId, AcceptorState state, CancellationToken ct);
}

/// <summary>
/// An acceptor from afar: a node over HTTP, or one behind a simulated network. An answer that does not come, or is none, is an
/// <see cref="IOException"/>, <see cref="HttpRequestException"/>, <see cref="TimeoutException"/> or <see cref="System.Text.Json.JsonException"/>.
/// </summary>
public interface IAcceptorPeer
{
    /// <summary>The node's id.</summary>
    string Name { get; }

    Task<PrepareReply> PrepareAsync(string chunkId, long ballot, CancellationToken ct);

    Task<AcceptReply> AcceptAsync(string chunkId, long ballot, string value, CancellationToken ct);
}
