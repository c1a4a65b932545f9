using System.Text.Json;
using Lifecycle.Contracts.Messaging;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

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

/// <summary>Hears all video events on a queue of its own, which the broker removes with the connection.</summary>
public sealed partial class VideoEventsListener(Broker broker, IVideoEventsHandler handler, TimeProvider time, ILogger<VideoEventsListener> logger) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => broker.RunAsync("video-events", ListenAsync, stoppingToken);

    private async Task ListenAsync(IConnection connection, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        var queue = await channel.QueueDeclareAsync(cancellationToken: ct);
        await channel.QueueBindAsync(queue.QueueName, Topology.VideoEvents, Topology.AllVideoEvents, cancellationToken: ct);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            if (Read(delivery) is { } change)
            {
                using var activity = ConsumerTrace.Start(delivery);
                await handler.OnChangedAsync(change, ct);
            }
        };
        // Without acknowledgements: this queue lives only as long as its listener, and a lost event is found by its sequence.
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, ct);
        try
        {
            await handler.OnConnectedAsync(ct);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, ct);
        }
        finally
        {
            handler.OnDisconnected();
        }
    }

    private VideoStateChanged? Read(BasicDeliverEventArgs delivery)
    {
        if (delivery.BasicProperties.Type != VideoStateChanged.Type)
        {
            return null; // a newer version's event: not for us
        }

        try
        {
            return JsonSerializer.Deserialize(delivery.Body.Span, EventJson.Default.CloudEventVideoStateChanged)?.Data;
        }
        catch (JsonException exception)
        {
            Log.Unreadable(logger, exception, delivery.BasicProperties.MessageId);
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "Video event {MessageId} cannot be read")]
        public static partial void Unreadable(ILogger logger, Exception exception, string? messageId);
    }
}
