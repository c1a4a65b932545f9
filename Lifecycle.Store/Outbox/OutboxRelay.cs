using System.Diagnostics;
using Lifecycle.Contracts;
using Lifecycle.Store.Database;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Messaging;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;
using RabbitMQ.Client;

namespace Lifecycle.Store.Outbox;

/// <summary>
/// Publishes outbox rows and deletes them once the broker has confirmed them. It takes whatever rows it finds (no high-water
/// mark: a late commit would be skipped); a crash between confirm and delete publishes a row again, and consumers know it by
/// its id and sequence. Any number of relays may run.
/// </summary>
public sealed partial class OutboxRelay(LifecycleDatabase database, OutboxSignal signal, Broker broker, FaultPoints faults, TimeProvider time, ILogger<OutboxRelay> logger)
    : BackgroundService
{
    private static readonly ActivitySource _activities = new("VideoPlatform.Outbox");

    /// <summary>How often rows are looked for that no signal announced: another process's whose relay died.</summary>
    private static readonly TimeSpan _poll = TimeSpan.FromSeconds(1);

    /// <summary>A broker that does not confirm within this is as good as away; the rows stay.</summary>
    /// <summary>Less than a transaction may rest.</summary>
    private static readonly TimeSpan _confirmWithin = TimeSpan.FromSeconds(8);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => broker.RunAsync("outbox-relay", RelayAsync, stoppingToken);

    private async Task RelayAsync(IConnection connection, CancellationToken ct)
    {
        await using var channel = await connection.CreateChannelAsync(new CreateChannelOptions(publisherConfirmationsEnabled: true, publisherConfirmationTrackingEnabled: true), ct);
        while (true)
        {
            int sent;
            try
            {
                sent = await PassAsync(channel, ct);
            }
            catch (NpgsqlException exception)
            {
                Log.DatabaseAway(logger, exception.Message);
                await Task.Delay(_poll, time, ct);
                continue;
            }

            if (sent < Limits.OutboxBatch)
            {
                await signal.WaitAsync(_poll, ct);
            }
        }
    }

    private async Task<int> PassAsync(IChannel channel, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        await using var transaction = await connection.BeginTransactionAsync(ct);
        var rows = await connection.ListAsync(
            "select id, message_id, exchange, routing_key, type, body, trace_parent from outbox order by id for update skip locked limit $1", [Limits.OutboxBatch],
            row => new Row(row.GetInt64(0), row.GetGuid(1), row.GetString(2), row.GetString(3), row.GetString(4), row.GetFieldValue<byte[]>(5), row.GetNullable<string>(6)), ct);
        if (rows.Count == 0)
        {
            return 0;
        }

        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(ct);
        deadline.CancelAfter(_confirmWithin);
        await Task.WhenAll(rows.Select(row => PublishAsync(channel, row, deadline.Token)));
        await faults.PassAsync(FaultPoint.OutboxAfterPublish, ct);
        await connection.ExecuteAsync("delete from outbox where id = any($1)", [rows.Select(row => row.Id).ToArray()], ct);
        await transaction.CommitAsync(ct);
        return rows.Count;
    }

    private static async Task PublishAsync(IChannel channel, Row row, CancellationToken ct)
    {
        using var activity = StartActivity(row);
        BasicProperties properties = new()
        {
            MessageId = row.MessageId.ToString(),
            Type = row.Type,
            ContentType = row.Exchange == Lifecycle.Contracts.Messaging.Topology.StreamEvents ? "application/json" : "application/cloudevents+json",
            DeliveryMode = DeliveryModes.Persistent,
            Headers = row.TraceParent is null ? null : new Dictionary<string, object?>(StringComparer.Ordinal) { ["traceparent"] = activity?.Id ?? row.TraceParent },
        };
        // Only a permit needs a queue: nobody listening to the events of a video is normal.
        var mandatory = row.Exchange == Lifecycle.Contracts.Messaging.Topology.Work;
        await channel.BasicPublishAsync(row.Exchange, row.RoutingKey, mandatory, properties, row.Body, ct);
    }

    private static Activity? StartActivity(Row row) => ActivityContext.TryParse(row.TraceParent, null, out var parent)
        ? _activities.StartActivity($"{row.Exchange} relay", ActivityKind.Internal, parent)
        : null;

    private sealed record Row(long Id, Guid MessageId, string Exchange, string RoutingKey, string Type, byte[] Body, string? TraceParent);

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Warning, Message = "Outbox waits for the database: {Reason}")]
        public static partial void DatabaseAway(ILogger logger, string reason);
    }
}
