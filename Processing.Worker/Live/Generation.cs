using Lifecycle.Contracts.Storage;
using Lifecycle.Store.Live;

namespace Processing.Worker.Live;

/// <summary>Why an input's connection, and with it a generation, ended.</summary>
internal enum GenerationEnd
{
    /// <summary>Nothing ever came.</summary>
    NoInput,

    /// <summary>The broadcaster went.</summary>
    InputEnded,

    /// <summary>The connection stands, and nothing came for a while.</summary>
    InputStalled,

    /// <summary>The store does not keep up with the recording: what waited is bounded, so the input was held, and nobody looked whether more came.</summary>
    StoreBehind,

    /// <summary>The store is there and would not take the recording: a broadcast that is not kept must not go on as if it were.</summary>
    StoreRefused,

    /// <summary>More than the bit rate that is accepted.</summary>
    InputTooFast,

    /// <summary>The picture's parameters changed within the connection: what follows is another generation's.</summary>
    InputChanged,

    /// <summary>No picture, or one that is not accepted.</summary>
    InputRefused,

    /// <summary>The encoder fell too far behind real time: what waited is dropped.</summary>
    Overrun,

    /// <summary>The encoder brought nothing although input came: it hangs, or a track of the input stopped.</summary>
    OutputStalled,

    EncoderFailed,

    /// <summary>The worker stops, or the broadcast has lasted as long as one may.</summary>
    Stopped,

    /// <summary>The session is somebody else's, or has ended.</summary>
    SessionOver,
}

/// <summary>
/// One connection of an input and what is made of it: an init of its own, timestamps that go on behind those before, a discontinuity in front. It gets its number with its first
/// segments, so that numbers follow each other; until then pieces of its recording wait.
/// </summary>
/// <param name="session">The lease under which everything of it is written.</param>
/// <param name="connection">Counts the connections of that lease.</param>
internal sealed class Generation(ClaimedSession session, int connection)
{
    private readonly TaskCompletionSource<int?> _number = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ClaimedSession Session => session;

    public int Connection => connection;

    /// <summary>Null: it ended without a segment, and nothing of it is kept.</summary>
    public Task<int?> Number => _number.Task;

    public void Numbered(int number) => _number.TrySetResult(number);

    public void EndsWithoutNumber() => _number.TrySetResult(null);

    public string KeyOf(string name) => ObjectKeys.StreamOutput(session.StreamId, session.LeaseToken, $"{connection}/{name}");
}
