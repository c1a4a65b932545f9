namespace Lifecycle.Contracts.Live;

/// <summary>The encoder's side of a stream. Slots of the pool are held while it is reserved or encoding.</summary>
public enum LiveSessionState
{
    /// <summary>Slots are set aside; any worker with room, or with tasks that it can put off, takes it.</summary>
    Reserved,

    /// <summary>A worker holds its lease: it waits for the input or encodes it.</summary>
    Encoding,

    /// <summary>The broadcast is over: what was recorded is made a video's source.</summary>
    Recording,

    /// <summary>Final.</summary>
    Closed,
}

public enum LiveSessionTrigger
{
    Provisioned,
    Claimed,
    GivenBack,
    LeaseExpired,
    Ended,
    NothingRecorded,
    Recorded,
    RecordingFailed,
}

/// <summary>The only place that names two states of a live session together.</summary>
public static class LiveSessionLifecycle
{
    public static StateTable<LiveSessionState, LiveSessionTrigger> Table { get; } = new(state => state.ToString().ToLowerInvariant(),
    [
        new(null, LiveSessionTrigger.Provisioned, LiveSessionState.Reserved, "the orchestrator's ProvisionEncoderInfrastructure", "workers poll"),
        new(LiveSessionState.Reserved, LiveSessionTrigger.Claimed, LiveSessionState.Encoding, "worker", "another worker, when the lease of 5 s runs out"),
        new(LiveSessionState.Encoding, LiveSessionTrigger.GivenBack, LiveSessionState.Reserved, "worker: shutting down", "workers poll"),
        new(LiveSessionState.Encoding, LiveSessionTrigger.LeaseExpired, LiveSessionState.Reserved, "any worker", "workers poll"),
        new(LiveSessionState.Reserved, LiveSessionTrigger.Ended, LiveSessionState.Recording, "who ends the stream, where something was recorded", "workers poll"),
        new(LiveSessionState.Encoding, LiveSessionTrigger.Ended, LiveSessionState.Recording, "who ends the stream, where something was recorded", "workers poll"),
        new(LiveSessionState.Reserved, LiveSessionTrigger.NothingRecorded, LiveSessionState.Closed, "who ends the stream"),
        new(LiveSessionState.Encoding, LiveSessionTrigger.NothingRecorded, LiveSessionState.Closed, "who ends the stream"),
        new(LiveSessionState.Recording, LiveSessionTrigger.Recorded, LiveSessionState.Closed, "worker", "another worker, when the lease runs out"),
        new(LiveSessionState.Recording, LiveSessionTrigger.RecordingFailed, LiveSessionState.Closed, "worker, out of attempts"),
    ]);

    /// <summary>How long a session stays a worker's without a beat: another one goes on within 10 s.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(5);

    /// <summary>Reserved or encoding.</summary>
    public static bool HoldsSlots(LiveSessionState state) => state is LiveSessionState.Reserved or LiveSessionState.Encoding;
}
