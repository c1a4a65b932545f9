using System.Text.Json;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Messaging;
using Lifecycle.Store.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Live.Api.Orchestration;

/// <summary>Hears what workflows wait for, on a queue of this replica's own. A message that is lost costs a poll.</summary>
internal sealed partial class WakeListener(Broker broker, Orchestrator orchestrator, TimeProvider time, ILogger<WakeListener> logger) : BackgroundService
{
    private volatile bool _isConnected;

    public bool IsConnected => _isConnected;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => broker.RunAsync("stream-wakes", ListenAsync, stoppingToken);

    private async Task ListenAsync(IConnection connection, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        var queue = await channel.QueueDeclareAsync(cancellationToken: ct);
        await channel.QueueBindAsync(queue.QueueName, Topology.VideoEvents, Topology.StreamWakeRoutingKey, cancellationToken: ct);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            if (Read(delivery) is { } wake)
            {
                using var activity = ConsumerTrace.Start(delivery);
                await orchestrator.AdvanceAsync(wake.StreamId, ct);
            }
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, ct);
        try
        {
            _isConnected = true;
            await Task.Delay(Timeout.InfiniteTimeSpan, time, ct);
        }
        finally
        {
            _isConnected = false;
        }
    }

    private StreamWake? Read(BasicDeliverEventArgs delivery)
    {
        if (delivery.BasicProperties.Type != StreamWake.Type)
        {
            return null; // a newer version's
        }

        try
        {
            return JsonSerializer.Deserialize(delivery.Body.Span, StreamJson.Default.StreamWake);
        }
        catch (JsonException exception)
        {
            Log.Unreadable(logger, exception, delivery.BasicProperties.MessageId);
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "Wake {MessageId} cannot be read")]
        public static partial void Unreadable(ILogger logger, Exception exception, string? messageId);
    }
}
