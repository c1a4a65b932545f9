using System.Diagnostics;
using System.Text.Json.Serialization.Metadata;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Videos;
using Lifecycle.Contracts.Webhooks;
using Lifecycle.Store.Database;
using Npgsql;

namespace Lifecycle.Store.Webhooks;

/// <summary>
/// Writes deliveries in the transaction of what they tell, one for each active webhook of the owner that listens: what has
/// committed is told, whatever crashes afterwards. Each method returns whether it wrote any, so that the dispatcher can be woken.
/// </summary>
public sealed class WebhookOutbox(LifecycleDatabase database, WebhookSignal signal)
{
    /// <summary>Over a row <c>w</c> of webhooks; $2 is the event's key.</summary>
    internal const string Listens = "w.is_active and (w.events ->> $2)::boolean";

    /// <summary>Tells an account's webhooks of something that has no transaction of its own.</summary>
    /// <param name="name">One of <see cref="WebhookEvents"/>.</param>
    public async Task PublishAsync<T>(Guid ownerId, string name, T data, JsonTypeInfo<T> json, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        if (await PublishAsync(connection, ownerId, name, data, json, ct))
        {
            signal.Set();
        }
    }

    /// <summary>The same in the caller's transaction. The dispatchers find it within a second of the commit.</summary>
    public static Task<bool> PublishAsync<T>(NpgsqlConnection connection, Guid ownerId, string name, T data, JsonTypeInfo<T> json, CancellationToken ct) =>
        PublishAsync(connection, ownerId, except: null, name, data, json, ct);

    /// <param name="except">A webhook that is not told.</param>
    internal static async Task<bool> PublishAsync<T>(NpgsqlConnection connection, Guid ownerId, Guid? except, string name, T data, JsonTypeInfo<T> json, CancellationToken ct)
    {
        var found = await connection.FirstAsync(
            $"select now(), array(select w.id from webhooks w where w.owner_id = $1 and {Listens} and w.id is distinct from $3::uuid)", [ownerId, WebhookEvents.KeyOf(name), except],
            row => (At: row.GetDateTime(0), Webhooks: row.GetFieldValue<Guid[]>(1)), ct);
        return found.Webhooks.Length > 0 && await WriteAsync(connection, found.Webhooks, name, WebhookPayload.Of(name, found.At, data, json), null, ct) > 0;
    }

    /// <summary>A video was moved by the caller's transaction.</summary>
    internal static async Task<bool> VideoChangedAsync(NpgsqlConnection connection, Guid videoId, VideoTrigger trigger, string? traceParent, CancellationToken ct)
    {
        if (WebhookEvents.Of(trigger) is not { } name)
        {
            return false;
        }

        var found = await connection.FirstAsync(
            $"""
            select v.file_name, v.source_bytes, v.failure_reason, now(), array(select w.id from webhooks w where w.owner_id = v.owner_id and {Listens})
            from videos v where v.id = $1
            """, [videoId, WebhookEvents.KeyOf(name)],
            row => new Found<VideoEventData>(
                new(videoId, row.GetNullable<string>(0), row.GetNullable<long?>(1), WebhookPayload.VideoStatus(name), row.GetNullable<string>(2)), row.GetDateTime(3), row.GetFieldValue<Guid[]>(4)), ct);
        return found is { Webhooks.Length: > 0 }
            && await WriteAsync(connection, found.Webhooks, name, WebhookPayload.Of(name, found.At, found.Data, WebhookJson.Default.VideoEventData), traceParent, ct) > 0;
    }

    /// <summary>A job was moved by the caller's transaction.</summary>
    internal static async Task<bool> JobChangedAsync(NpgsqlConnection connection, Guid jobId, JobTrigger trigger, string? traceParent, CancellationToken ct)
    {
        if (WebhookEvents.Of(trigger) is not { } name)
        {
            return false;
        }

        // A start that this very transaction did not write is an old one: the job was paused and goes on.
        var found = await connection.FirstAsync(
            $"""
            select {JobEventRow.Columns}, now(), array(select w.id from webhooks w where w.owner_id = v.owner_id and {Listens})
            from jobs j join videos v on v.id = j.video_id where j.id = $1 and ($3 or j.started_at = now())
            """, [jobId, WebhookEvents.KeyOf(name), name != WebhookEvents.JobStarted],
            row => new Found<JobEventData>(JobEventRow.Map(row), row.GetDateTime(JobEventRow.Count), row.GetFieldValue<Guid[]>(JobEventRow.Count + 1)), ct);
        return found is { Webhooks.Length: > 0 }
            && await WriteAsync(connection, found.Webhooks, name, WebhookPayload.Of(name, found.At, found.Data, WebhookJson.Default.JobEventData), traceParent, ct) > 0;
    }

    /// <summary>A stream has come to a status.</summary>
    internal static async Task<bool> StreamChangedAsync(NpgsqlConnection connection, string streamId, StreamStatus status, string? reason, string? traceParent, CancellationToken ct)
    {
        if (WebhookEvents.Of(status) is not { } name)
        {
            return false;
        }

        var found = await connection.FirstAsync(
            $"select s.title, s.video_id, now(), array(select w.id from webhooks w where w.owner_id = s.owner_id and {Listens}) from streams s where s.id = $1", [streamId, WebhookEvents.KeyOf(name)],
            row => new Found<StreamEventData>(
                new(streamId, row.GetString(0), StreamLifecycle.Table.NameOf(status), reason, row.GetGuid(1)), row.GetDateTime(2), row.GetFieldValue<Guid[]>(3)), ct);
        return found is { Webhooks.Length: > 0 }
            && await WriteAsync(connection, found.Webhooks, name, WebhookPayload.Of(name, found.At, found.Data, WebhookJson.Default.StreamEventData), traceParent, ct) > 0;
    }

    /// <summary>The rows are made from the webhooks that are still there: one that is deleted meanwhile must not fail the transition.</summary>
    private static Task<int> WriteAsync(NpgsqlConnection connection, Guid[] webhooks, string name, byte[] payload, string? traceParent, CancellationToken ct) => connection.ExecuteAsync(
        """
        insert into webhook_deliveries (id, webhook_id, event, payload, trace_parent)
        select d.id, w.id, $3, $4, $5 from unnest($1::uuid[], $2::uuid[]) as d (id, webhook_id) join webhooks w on w.id = d.webhook_id for key share of w
        """, [webhooks.Select(_ => OrderedIds.Next()).ToArray(), webhooks, name, payload, Activity.Current?.Id ?? traceParent], ct);

    private sealed record Found<T>(T Data, DateTime At, Guid[] Webhooks);
}
