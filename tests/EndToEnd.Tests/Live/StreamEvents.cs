using System.Collections.Concurrent;
using System.Text.Json;
using Lifecycle.Contracts.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Testing;
using Xunit;

namespace EndToEnd.Tests.Live;

/// <summary>
/// Hears the platform's events as a ticketing system would, from a queue of its own that outlives the broker's death: what was told of a stream,
/// each identity once.
/// </summary>
internal sealed class StreamEvents : IAsyncDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(20);

    private readonly ConcurrentQueue<(string Id, JsonElement Body)> _heard = new();
    private readonly IConnection _connection;
    private readonly IChannel _channel;
    private readonly string _queue;

    private StreamEvents(IConnection connection, IChannel channel, string queue) => (_connection, _channel, _queue) = (connection, channel, queue);

    public static async Task<StreamEvents> ListenAsync(Platform platform, CancellationToken ct)
    {
        var connection = await new ConnectionFactory { Uri = new(platform.Store.ConnectionStrings["ConnectionStrings:messaging"]!) }.CreateConnectionAsync(ct);
        var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        var queue = $"tickets-{Guid.NewGuid():N}";
        await channel.QueueDeclareAsync(queue, durable: true, exclusive: false, autoDelete: false, cancellationToken: ct);
        await channel.QueueBindAsync(queue, Topology.StreamEvents, "stream.#", cancellationToken: ct);
        StreamEvents events = new(connection, channel, queue);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            events._heard.Enqueue((delivery.BasicProperties.MessageId!, JsonElement.Parse(delivery.Body.Span)));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue, autoAck: true, consumer, ct);
        return events;
    }

    /// <summary>Waits until exactly these were told of a stream, in this order: by status, or by name where an event has none.</summary>
    public async Task ToldAsync(string streamId, params string[] names)
    {
        var told = await Poll.UntilAsync(() => Task.FromResult(Of(streamId)), all => all.Count >= names.Length, _within, $"events of {streamId}");
        Assert.Equal(names, told);
    }

    public async ValueTask DisposeAsync()
    {
        await _channel.QueueDeleteAsync(_queue);
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }

    private List<string> Of(string streamId) =>
    [
        .. _heard.DistinctBy(heard => heard.Id).Select(heard => heard.Body).Where(body => body.GetProperty("detail").GetProperty("streamId").GetString() == streamId)
            .Select(body => body.GetProperty("detail").TryGetProperty("status", out var status) ? status.GetString()! : body.GetProperty("detail-type").GetString()!),
    ];
}
