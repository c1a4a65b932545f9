using Lifecycle.Contracts;
using Lifecycle.Contracts.Messaging;
using Microsoft.Extensions.Logging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;

namespace Lifecycle.Store.Messaging;

/// <summary>
/// Keeps one connection to the broker for one purpose (publishing and consuming are separate) and installs the topology on
/// each new one, so that a broker that lost its data is made whole by the first client that comes back.
/// </summary>
public sealed partial class Broker(IConnectionFactory factory, TimeProvider time, ILogger<Broker> logger)
{
    private static readonly TimeSpan _firstDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan _longestDelay = TimeSpan.FromSeconds(5);

    /// <summary>Runs <paramref name="session"/> on a connection until <paramref name="ct"/> ends, anew whenever the connection or the session fails.</summary>
    /// <param name="name">Shown in the broker's list of connections.</param>
    /// <param name="session">Gets the connection and a token that also ends with it.</param>
    /// <param name="ct">Ends the loop.</param>
    public async Task RunAsync(string name, Func<IConnection, CancellationToken, Task> session, CancellationToken ct)
    {
        var delay = _firstDelay;
        while (!ct.IsCancellationRequested)
        {
            try
            {
                await using var connection = await factory.CreateConnectionAsync(name, ct);
                using var ended = CancellationTokenSource.CreateLinkedTokenSource(ct);
                AsyncEventHandler<ShutdownEventArgs> onShutdown = (_, _) => ended.CancelAsync();
                connection.ConnectionShutdownAsync += onShutdown;
                await InstallAsync(connection, ct);
                delay = _firstDelay;
                try
                {
                    await session(connection, ended.Token);
                }
                finally
                {
                    connection.ConnectionShutdownAsync -= onShutdown;
                }
            }
            catch (OperationCanceledException) when (ct.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is OperationCanceledException || Outages.IsOutage(exception))
            {
                Log.SessionLost(logger, name, exception.Message, delay.TotalSeconds);
            }
            catch (Exception exception) when (!ct.IsCancellationRequested)
            {
                Log.SessionFailed(logger, exception, name, delay.TotalSeconds);
            }

            try
            {
                await Task.Delay(delay, time, ct);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            delay = delay * 2 < _longestDelay ? delay * 2 : _longestDelay;
        }
    }

    private static async Task InstallAsync(IConnection connection, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        foreach (var exchange in Topology.Exchanges)
        {
            await channel.ExchangeDeclareAsync(exchange.Name, exchange.Type, durable: true, autoDelete: false, cancellationToken: ct);
        }

        foreach (var queue in Topology.Queues)
        {
            Dictionary<string, object?> arguments = new(StringComparer.Ordinal) { ["x-queue-type"] = "quorum" };
            if (queue.DeadLetterExchange is { } deadLetters)
            {
                arguments["x-dead-letter-exchange"] = deadLetters;
                arguments["x-dead-letter-strategy"] = "at-least-once";
                arguments["x-overflow"] = "reject-publish"; // at-least-once dead-lettering needs it
                arguments["x-delivery-limit"] = Limits.DeliveryLimit;
            }

            await channel.QueueDeclareAsync(queue.Name, durable: true, exclusive: false, autoDelete: false, arguments, cancellationToken: ct);
            await channel.QueueBindAsync(queue.Name, queue.Exchange, queue.RoutingKey, cancellationToken: ct);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Broker session {Name} ended ({Reason}); next try in {DelaySeconds} s")]
        public static partial void SessionLost(ILogger logger, string name, string reason, double delaySeconds);

        [LoggerMessage(Level = LogLevel.Error, Message = "Broker session {Name} failed; next try in {DelaySeconds} s")]
        public static partial void SessionFailed(ILogger logger, Exception exception, string name, double delaySeconds);
    }
}
