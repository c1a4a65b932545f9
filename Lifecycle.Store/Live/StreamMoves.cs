using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Contracts.Messaging;
using Lifecycle.Store.Database;
using Lifecycle.Store.Webhooks;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Lifecycle.Store.Live;

/// <summary>A stream's row, locked by the current transaction.</summary>
public sealed record LockedStream(string Id, StreamStatus Status, WorkflowState Workflow, string? Confirmation, Guid? OwnerId, Guid VideoId, string? TraceParent)
{
    internal const string Columns = "id, status, workflow_state, confirmation, owner_id, video_id, trace_parent";

    /// <summary>From the first seven columns.</summary>
    internal static LockedStream Map(NpgsqlDataReader row) => new(
        row.GetString(0), StreamLifecycle.Table.Parse(row.GetString(1)), ProvisionWorkflow.Table.Parse(row.GetString(2)), row.GetNullable<string>(3), row.GetNullable<Guid?>(4), row.GetGuid(5),
        row.GetNullable<string>(6));
}

/// <summary>A session's row, locked by the current transaction; the stream's lock comes first.</summary>
/// <param name="MediaMilliseconds">Where the listed media ends on the stream's timeline.</param>
public sealed record LockedSession(string StreamId, LiveSessionState State, long? LeaseToken, int Generation, long MediaMilliseconds);

/// <summary>What Live.Api and the workers both do to streams, in a transaction of the caller's.</summary>
public sealed class StreamMoves(IOptions<StreamOptions> options)
{
    /// <summary>Null where there is no such stream.</summary>
    public static Task<LockedStream?> LockAsync(LifecycleTransaction transaction, string streamId, CancellationToken ct) => transaction.Connection.FirstAsync(
        $"select {LockedStream.Columns} from streams where id = $1 for update", [streamId], LockedStream.Map, ct);

    /// <summary>Null where the stream has no session.</summary>
    public static Task<LockedSession?> LockSessionAsync(LifecycleTransaction transaction, string streamId, CancellationToken ct) => transaction.Connection.FirstAsync(
        "select state, lease_token, generation, media_milliseconds from live_sessions where stream_id = $1 for update", [streamId],
        row => new LockedSession(streamId, LiveSessionLifecycle.Table.Parse(row.GetString(0)), row.GetNullable<long?>(1), row.GetInt32(2), row.GetInt64(3)), ct);

    /// <summary>Locks what a worker holds; null where its lease is over: the session is somebody else's, or has ended.</summary>
    public static async Task<(LockedStream Stream, LockedSession Session)?> LockHeldAsync(LifecycleTransaction transaction, ClaimedSession claimed, CancellationToken ct) =>
        await LockAsync(transaction, claimed.StreamId, ct) is { } stream
        && await LockSessionAsync(transaction, claimed.StreamId, ct) is { } session && session.State == claimed.State && session.LeaseToken == claimed.LeaseToken
            ? (stream, session)
            : null;

    /// <summary>Moves a locked stream and tells it. Does nothing where the table has no such move.</summary>
    /// <param name="tells">False where the orchestrator tells it later: READY by PUT.</param>
    public async Task<MoveOutcome> MoveAsync(LifecycleTransaction transaction, LockedStream stream, StreamTrigger trigger, string? reason, bool tells, CancellationToken ct)
    {
        if (StreamLifecycle.Table.Next(stream.Status, trigger) is not { } next)
        {
            return StreamLifecycle.Table.Refusal(stream.Status, trigger);
        }

        await transaction.Connection.ExecuteAsync(
            """
            update streams set status = $2, status_reason = $3, status_at = now(),
                live_at = case when $4 then coalesce(live_at, now()) else live_at end, ended_at = case when $5 then now() else ended_at end
            where id = $1
            """, [stream.Id, StreamLifecycle.Table.NameOf(next), reason, next == StreamStatus.Live, StreamLifecycle.IsOver(next)], ct);
        if (tells)
        {
            await TellAsync(transaction, stream, next, reason, ct);
            await NotifyAsync(transaction, stream, next, reason, ct);
        }

        return MoveOutcome.Moved;
    }

    /// <summary>Tells READY to everybody, where the move itself did not; nothing where it is told already.</summary>
    public async Task TellReadyAsync(LifecycleTransaction transaction, LockedStream stream, string? reason, CancellationToken ct)
    {
        if (await transaction.Connection.ExecuteAsync("update streams set ready_told_at = now() where id = $1 and ready_told_at is null", [stream.Id], ct) == 1)
        {
            await TellAsync(transaction, stream, StreamStatus.Ready, reason, ct);
            await NotifyAsync(transaction, stream, StreamStatus.Ready, reason, ct);
        }
    }

    /// <summary>Emits StreamLifecycleProgressed: however often it is called for a status, it is one event, by its message id.</summary>
    public async Task TellAsync(LifecycleTransaction transaction, LockedStream stream, StreamStatus status, string? reason, CancellationToken ct)
    {
        var at = await transaction.Connection.ScalarAsync<DateTime>("select now()", [], ct);
        var name = StreamLifecycle.Table.NameOf(status);
        await EmitAsync(transaction, StreamLifecycleProgressed.DetailType, $"{stream.Id} {name}", new StreamLifecycleProgressed(stream.Id, name, reason, Timestamp(at)),
            StreamJson.Wire.StreamEventStreamLifecycleProgressed, stream.TraceParent, ct);
    }

    /// <summary>Tells the owner's webhooks of a status, once for each call.</summary>
    public static async Task NotifyAsync(LifecycleTransaction transaction, LockedStream stream, StreamStatus status, string? reason, CancellationToken ct)
    {
        if (await WebhookOutbox.StreamChangedAsync(transaction.Connection, stream.Id, status, reason, stream.TraceParent, ct))
        {
            transaction.WakeWebhooks();
        }
    }

    /// <param name="identity">What makes the event one: the same identity has the same message id.</param>
    public Task EmitAsync<T>(
        LifecycleTransaction transaction, string detailType, string identity, T detail, JsonTypeInfo<StreamEvent<T>> json, string? traceParent, CancellationToken ct) =>
        transaction.EnqueueAsync(
            MessageId($"{detailType} {identity}"), Topology.StreamEvents, Topology.RoutingKeyOfStreamEvent(detailType), detailType,
            JsonSerializer.SerializeToUtf8Bytes(new StreamEvent<T>(detailType, options.Value.EventSource, detail), json), traceParent, ct);

    /// <summary>Has the orchestrators look at a stream as soon as the transaction has committed; without it they do within a second.</summary>
    public static Task WakeAsync(LifecycleTransaction transaction, LockedStream stream, CancellationToken ct) => transaction.EnqueueAsync(
        Guid.CreateVersion7(), Topology.VideoEvents, Topology.StreamWakeRoutingKey, StreamWake.Type, JsonSerializer.SerializeToUtf8Bytes(new StreamWake(stream.Id), StreamJson.Default.StreamWake),
        stream.TraceParent, ct);

    /// <summary>
    /// Ends a session that holds slots: what was recorded is to become a video, or there is nothing. Its lease ends with it, so that the
    /// worker's next write is refused. Does nothing where it has ended.
    /// </summary>
    public static async Task EndSessionAsync(LifecycleTransaction transaction, LockedSession session, CancellationToken ct)
    {
        var recorded = await transaction.Connection.ScalarAsync<bool>("select exists (select from live_recordings where stream_id = $1)", [session.StreamId], ct);
        if (LiveSessionLifecycle.Table.Next(session.State, recorded ? LiveSessionTrigger.Ended : LiveSessionTrigger.NothingRecorded) is { } next)
        {
            await transaction.Connection.ExecuteAsync(
                "update live_sessions set state = $2, lease_token = null, lease_until = null, worker_id = null, run_after = now() where stream_id = $1",
                [session.StreamId, LiveSessionLifecycle.Table.NameOf(next)], ct);
        }
    }

    /// <summary>As seed 001 writes times: whole seconds, <c>+00:00</c>.</summary>
    public static string Timestamp(DateTime utc) => utc.ToString("yyyy-MM-dd'T'HH:mm:ss'+00:00'", CultureInfo.InvariantCulture);

    /// <summary>The same text gives the same id (in the manner of RFC 9562's version 8).</summary>
    private static Guid MessageId(string text)
    {
        var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(text)).AsSpan(0, 16);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x80);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new(bytes, bigEndian: true);
    }
}
