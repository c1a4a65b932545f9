namespace Lifecycle.Contracts.Webhooks;

/// <summary>Where a delivery to a webhook stands.</summary>
public enum DeliveryState
{
    /// <summary>To be sent when it is due, or being sent under a lease; a lease that ran out is claimed again by any dispatcher.</summary>
    Pending,

    /// <summary>The receiver answered 2xx.</summary>
    Delivered,

    /// <summary>Out of attempts, or the receiver is gone (410).</summary>
    Failed,

    /// <summary>Progress that later news has made worthless before it arrived. Final.</summary>
    Superseded,
}

public enum DeliveryTrigger
{
    Written,
    Accepted,
    Refused,
    Exhausted,
    ReceiverGone,
    Outdated,
    Replayed,
}

/// <summary>The only place that names two delivery states together.</summary>
public static class DeliveryLifecycle
{
    public static StateTable<DeliveryState, DeliveryTrigger> Table { get; } = new(state => state.ToString().ToLowerInvariant(),
    [
        new(null, DeliveryTrigger.Written, DeliveryState.Pending, "the transaction that it tells of", "dispatchers poll"),
        new(DeliveryState.Pending, DeliveryTrigger.Accepted, DeliveryState.Delivered, "dispatcher: 2xx", "another dispatcher, when the lease runs out"),
        new(DeliveryState.Pending, DeliveryTrigger.Refused, DeliveryState.Pending, "dispatcher: anything else, due grows", "dispatchers poll"),
        new(DeliveryState.Pending, DeliveryTrigger.Exhausted, DeliveryState.Failed, "dispatcher"),
        new(DeliveryState.Pending, DeliveryTrigger.ReceiverGone, DeliveryState.Failed, "dispatcher: 410"),
        new(DeliveryState.Pending, DeliveryTrigger.Outdated, DeliveryState.Superseded, "progress duty"),
        new(DeliveryState.Pending, DeliveryTrigger.Replayed, DeliveryState.Pending, "API: due at once", "dispatchers poll"),
        new(DeliveryState.Delivered, DeliveryTrigger.Replayed, DeliveryState.Pending, "API", "dispatchers poll"),
        new(DeliveryState.Failed, DeliveryTrigger.Replayed, DeliveryState.Pending, "API", "dispatchers poll"),
    ]);
}
