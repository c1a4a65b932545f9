using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Messaging;
using Lifecycle.Store.Messaging;

namespace Live.Api.Orchestration;

/// <summary>Hears what workflows wait for. A message that is lost costs a poll.</summary>
internal sealed class WakeListener(Broker broker, Orchestrator orchestrator, TimeProvider time, ILogger<WakeListener> logger)
    : Listener<StreamWake>(broker, new("stream-wakes", Topology.StreamWakeRoutingKey, StreamWake.Type, StreamJson.Default.StreamWake), time, logger)
{
    private volatile bool _isConnected;

    public bool IsConnected => _isConnected;

    protected override Task HearAsync(StreamWake message, CancellationToken ct) => orchestrator.AdvanceAsync(message.StreamId, ct);

    protected override Task OnConnectedAsync(CancellationToken ct)
    {
        _isConnected = true;
        return Task.CompletedTask;
    }

    protected override void OnDisconnected() => _isConnected = false;
}
