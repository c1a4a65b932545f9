using Lifecycle.Contracts.Messaging;
using Lifecycle.Store.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Processing.Worker.Pool;

/// <summary>
/// Hears "there may be work". A permit is acknowledged once a claim was tried after it came, or at once when all slots are
/// busy: then the next claim follows a task's end anyway. A full worker takes none, so that idle ones get them.
/// </summary>
public sealed class Permits(Broker broker, TimeProvider time) : BackgroundService
{
    private readonly SemaphoreSlim _arrived = new(0);
    private readonly Lock _gate = new();
    private TaskCompletionSource _claimed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _full;

    /// <summary>Returns when a permit came or <paramref name="atMost"/> has passed.</summary>
    public Task WaitAsync(TimeSpan atMost, CancellationToken ct) => _arrived.WaitAsync(atMost, ct);

    /// <summary>A claim was tried: every permit that came before it has had its effect.</summary>
    public void Claimed() => Renew(ref _claimed);

    public void SetFull(bool full)
    {
        lock (_gate)
        {
            if (_full == full)
            {
                return;
            }

            _full = full;
        }

        Renew(ref _changed);
        if (full)
        {
            Claimed();
        }
    }

    public override void Dispose()
    {
        _arrived.Dispose();
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => broker.RunAsync("permits", ListenAsync, stoppingToken);

    private async Task ListenAsync(IConnection connection, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        await channel.BasicQosAsync(0, prefetchCount: 1, global: false, ct);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += (_, delivery) => TakeAsync(channel, delivery, ct);
        while (true)
        {
            var tag = await channel.BasicConsumeAsync(Topology.PermitQueue, autoAck: false, consumer, ct);
            await WaitForAsync(full: true, ct);
            await channel.BasicCancelAsync(tag, cancellationToken: ct);
            await WaitForAsync(full: false, ct);
        }
    }

    private async Task TakeAsync(IChannel channel, BasicDeliverEventArgs delivery, CancellationToken ct)
    {
        using var activity = ConsumerTrace.Start(delivery);
        Task claimed;
        lock (_gate)
        {
            claimed = _full ? Task.CompletedTask : _claimed.Task;
        }

        _arrived.Release();
        await claimed.WaitAsync(TimeSpan.FromSeconds(10), time, ct).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await channel.BasicAckAsync(delivery.DeliveryTag, multiple: false, ct);
    }

    private async Task WaitForAsync(bool full, CancellationToken ct)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_full == full)
                {
                    return;
                }

                changed = _changed.Task;
            }

            await changed.WaitAsync(ct);
        }
    }

    private void Renew(ref TaskCompletionSource source)
    {
        TaskCompletionSource old;
        lock (_gate)
        {
            old = source;
            source = new(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        old.TrySetResult();
    }
}
