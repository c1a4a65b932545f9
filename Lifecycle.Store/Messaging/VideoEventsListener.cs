using Lifecycle.Contracts.Messaging;
using Microsoft.Extensions.Logging;

namespace Lifecycle.Store.Messaging;

/// <summary>What hears every change of every video.</summary>
public interface IVideoEventsHandler
{
    Task OnChangedAsync(VideoStateChanged change, CancellationToken ct);

    /// <summary>The connection is there (again): what happened meanwhile was missed and must be read from the database.</summary>
    Task OnConnectedAsync(CancellationToken ct);

    /// <summary>The connection is lost: nothing will be heard until <see cref="OnConnectedAsync"/>.</summary>
    void OnDisconnected();
}

/// <summary>Hears all video events; one that is lost is found by its sequence.</summary>
public sealed class VideoEventsListener(Broker broker, IVideoEventsHandler handler, TimeProvider time, ILogger<VideoEventsListener> logger)
    : Listener<CloudEvent<VideoStateChanged>>(
        broker, new("video-events", Topology.AllVideoEvents, VideoStateChanged.Type, EventJson.Default.CloudEventVideoStateChanged), time, logger)
{
    protected override Task HearAsync(CloudEvent<VideoStateChanged> message, CancellationToken ct) => handler.OnChangedAsync(message.Data, ct);

    protected override Task OnConnectedAsync(CancellationToken ct) => handler.OnConnectedAsync(ct);

    protected override void OnDisconnected() => handler.OnDisconnected();
}
