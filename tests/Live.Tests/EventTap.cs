using System.Collections.Concurrent;
using System.Text.Json;
using Lifecycle.Contracts.Messaging;
using RabbitMQ.Client;
using RabbitMQ.Client.Events;
using Testing;
using Xunit;

namespace Live.Tests;

/// <summary>A listener of the platform's events, as a ticketing system would be one.</summary>
internal sealed class EventTap : IAsyncDisposable
{
    private readonly ConcurrentQueue<Heard> _heard = new();
    private readonly IConnection _connection;
    private readonly IChannel _channel;

    private EventTap(IConnection connection, IChannel channel) => (_connection, _channel) = (connection, channel);

    /// <param name="Status">Of a progress; empty of a request.</param>
    internal sealed record Heard(string MessageId, string RoutingKey, string? ContentType, JsonElement Body)
    {
        public string StreamId => Body.GetProperty("detail").GetProperty("streamId").GetString()!;

        public string Name => Body.GetProperty("detail").TryGetProperty("status", out var status) ? status.GetString()! : Body.GetProperty("detail-type").GetString()!;
    }

    public static async Task<EventTap> OpenAsync(string broker)
    {
        var ct = TestContext.Current.CancellationToken;
        var connection = await new ConnectionFactory { Uri = new(broker) }.CreateConnectionAsync(ct);
        var channel = await connection.CreateChannelAsync(cancellationToken: ct);
        await channel.ExchangeDeclareAsync(Topology.StreamEvents, "topic", durable: true, autoDelete: false, cancellationToken: ct);
        var queue = await channel.QueueDeclareAsync(cancellationToken: ct);
        await channel.QueueBindAsync(queue.QueueName, Topology.StreamEvents, "stream.#", cancellationToken: ct);
        EventTap tap = new(connection, channel);
        AsyncEventingBasicConsumer consumer = new(channel);
        consumer.ReceivedAsync += (_, delivery) =>
        {
            tap._heard.Enqueue(new(delivery.BasicProperties.MessageId!, delivery.RoutingKey, delivery.BasicProperties.ContentType, JsonElement.Parse(delivery.Body.Span)));
            return Task.CompletedTask;
        };
        await channel.BasicConsumeAsync(queue.QueueName, autoAck: true, consumer, ct);
        return tap;
    }

    public List<Heard> Of(string streamId) => [.. _heard.Where(heard => heard.StreamId == streamId)];

    /// <summary>Waits until these were heard, each once or more, and checks that each has one identity.</summary>
    public async Task<List<Heard>> HearsAsync(string streamId, params string[] names)
    {
        await Poll.UntilAsync(
            () => Task.FromResult(string.Join(' ', Of(streamId).Select(heard => heard.Name).Distinct(StringComparer.Ordinal))),
            seen => names.All(name => seen.Split(' ').Contains(name)), StreamRows.Within, $"the events {string.Join(' ', names)} of {streamId}");
        var heard = Of(streamId);
        Assert.All(heard.GroupBy(each => each.Name), same => Assert.Single(same.Select(each => each.MessageId).Distinct(StringComparer.Ordinal)));
        Assert.Equal(names.Length, heard.Select(each => each.MessageId).Distinct(StringComparer.Ordinal).Count());
        return heard;
    }

    public async ValueTask DisposeAsync()
    {
        await _channel.DisposeAsync();
        await _connection.DisposeAsync();
    }
}
