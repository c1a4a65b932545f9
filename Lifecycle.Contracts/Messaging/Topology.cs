namespace Lifecycle.Contracts.Messaging;

public sealed record ExchangeSpec(string Name, string Type);

/// <param name="Name">The queue's name.</param>
/// <param name="Exchange">The exchange that it is bound to.</param>
/// <param name="RoutingKey">The binding's routing key.</param>
/// <param name="DeadLetterExchange">Where a message goes that could not be handled; null: nowhere.</param>
public sealed record QueueSpec(string Name, string Exchange, string RoutingKey, string? DeadLetterExchange);

/// <summary>
/// Every exchange and durable queue on the broker. Postgres decides and RabbitMQ notifies: nothing here is needed for
/// correctness, a lost message costs one poll.
/// </summary>
public static class Topology
{
    /// <summary>CloudEvents JSON: state changes of videos with the routing key <c>video.{state}</c>, and what happens to accounts.</summary>
    public const string VideoEvents = "video.events";

    /// <summary>Events of live streams in seed 001's envelope, with the routing key <c>stream.{detail-type}</c>.</summary>
    public const string StreamEvents = "stream.events";

    /// <summary>Permits: "there may be work".</summary>
    public const string Work = "processing.work";

    /// <summary>Where messages end that no handler could take.</summary>
    public const string Unhandled = "processing.unhandled";

    /// <summary>The permits of the worker pool.</summary>
    public const string PermitQueue = "processing.permits";

    public const string PermitRoutingKey = "task.runnable";

    public const string AllVideoEvents = "video.#";

    /// <summary>Outside of <see cref="AllVideoEvents"/>: who listens to videos does not get it.</summary>
    public const string QuotaExceededRoutingKey = "account.quota-exceeded";

    /// <summary>Wakes the orchestrators of live streams; on <see cref="VideoEvents"/>, outside of <see cref="AllVideoEvents"/>.</summary>
    public const string StreamWakeRoutingKey = "live.wake";

    public static IReadOnlyList<ExchangeSpec> Exchanges { get; } =
        [new(VideoEvents, "topic"), new(StreamEvents, "topic"), new(Work, "direct"), new(Unhandled, "fanout")];

    /// <summary>All are durable quorum queues with at-least-once dead-lettering.</summary>
    public static IReadOnlyList<QueueSpec> Queues { get; } =
        [new(PermitQueue, Work, PermitRoutingKey, Unhandled), new(Unhandled, Unhandled, "", null)];

    public static string RoutingKeyOf(string state) => $"video.{state.ToLowerInvariant()}";

    public static string RoutingKeyOfStreamEvent(string detailType) => $"stream.{detailType}";
}
