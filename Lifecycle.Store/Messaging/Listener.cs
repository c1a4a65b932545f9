using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lifecycle.Contracts.Messaging;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Lifecycle.Store.Messaging;

/// <summary>What a <see cref="Listener{T}"/> listens to.</summary>
/// <param name="Name">Of the connection, in logs.</param>
/// <param name="RoutingKey">On the exchange of video events.</param>
/// <param name="Type">The messages' type; others on the same key are a newer version's and passed over.</param>
public sealed record Listening<T>(string Name, string RoutingKey, string Type, JsonTypeInfo<T> Json);

/// <summary>
/// Hears messages on a queue of its own, which the broker removes with the connection. Without acknowledgements: the queue lives only as long as its listener,
/// and what is lost is found in the database.
/// </summary>
public abstract partial class Listener<T>(Broker broker, Listening<T> listening, TimeProvider time, ILogger logger) : BackgroundService
    where T : class
{
    protected sealed override Task ExecuteAsync(CancellationToken stoppingToken) => broker.RunAsync(listening.Name, ListenAsync, stoppingToken);

    protected abstract Task HearAsync(T message, CancellationToken ct);

    /// <summary>The connection is there (again).</summary>
    protected abstract Task OnConnectedAsync(CancellationToken ct);

    /// <summary>The connection is lost.</summary>
    protected abstract void OnDisconnected();

    private async Task ListenAsync(IConnection connection, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        var queue = await channel.QueueDeclareAsync(cancellationToken: ct);
        await channel.QueueBindAsync(queue.QueueName, Topology.VideoEvents, listening.RoutingKey, cancellationToken: ct);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += async (_, delivery) =>
        {
            if (Read(delivery) is { } message)
            {
                using var activity = ConsumerTrace.Start(delivery);
                await HearAsync(message, ct);
            }
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, ct);
        try
        {
            await OnConnectedAsync(ct);
            await Task.Delay(Timeout.InfiniteTimeSpan, time, ct);
        }
        finally
        {
            OnDisconnected();
        }
    }

    private T? Read(BasicDeliverEventArgs delivery)
    {
        if (delivery.BasicProperties.Type != listening.Type)
        {
            return null;
        }

        try
        {
            return JsonSerializer.Deserialize(delivery.Body.Span, listening.Json);
        }
        catch (JsonException exception)
        {
            Log.Unreadable(logger, exception, listening.Type, delivery.BasicProperties.MessageId);
            return null;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Error, Message = "{Type} {MessageId} cannot be read")]
        public static partial void Unreadable(ILogger logger, Exception exception, string type, string? messageId);
    }
}
