using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Jobs;
using Lifecycle.Contracts.Messaging;
using Lifecycle.Contracts.Tasks;
using Lifecycle.Contracts.Videos;
using Lifecycle.Store.Outbox;
using Lifecycle.Store.Webhooks;
using Npgsql;

namespace Lifecycle.Store.Database;

/// <summary>Begins transactions of the lifecycle; one per process.</summary>
public sealed class LifecycleDatabase(NpgsqlDataSource source, OutboxSignal signal, WebhookSignal webhooks)
{
    public NpgsqlDataSource Source => source;

    public async Task<LifecycleTransaction> BeginAsync(CancellationToken ct)
    {
        var connection = await source.OpenConnectionAsync(ct);
        try
        {
            return new(connection, await connection.BeginTransactionAsync(ct), signal, webhooks);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }
}

/// <summary>
/// One transition of the lifecycle: locks are taken in the order idempotency key, account, video, job, task; state, history and outbox rows commit
/// together or not at all. Disposing without <see cref="CommitAsync"/> rolls back.
/// </summary>
public sealed class LifecycleTransaction(NpgsqlConnection connection, NpgsqlTransaction transaction, OutboxSignal signal, WebhookSignal webhooks) : IAsyncDisposable
{
    private static readonly TimeSpan[] _sweepsAfter = [TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(10)];

    private bool _wakeRelay;
    private bool _wakeWebhooks;

    public NpgsqlConnection Connection => connection;

    public async Task CommitAsync(CancellationToken ct)
    {
        await transaction.CommitAsync(ct);
        if (_wakeRelay)
        {
            signal.Set();
        }

        if (_wakeWebhooks)
        {
            webhooks.Set();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await transaction.DisposeAsync();
        await connection.DisposeAsync();
    }

    /// <summary>
    /// Locks the account's row, before any video's. A statement of its own, which the count that it guards must not be part of: one that waited
    /// for the lock still counts what was there before it waited.
    /// </summary>
    public Task LockAccountAsync(Guid userId, CancellationToken ct) => connection.ExecuteAsync("select from users where id = $1 for no key update", [userId], ct);

    /// <summary>Locks the video's row; null where there is none.</summary>
    public Task<LockedVideo?> LockVideoAsync(Guid videoId, CancellationToken ct) => connection.FirstAsync(
        "select state, sequence, version, upload_token, trace_parent from videos where id = $1 for update", [videoId],
        row => new LockedVideo(videoId, VideoLifecycle.Table.Parse(row.GetString(0)), row.GetInt64(1), row.GetInt32(2), row.GetNullable<long?>(3), row.GetNullable<string>(4)), ct);

    /// <summary>Locks the job's row; the video's lock comes first.</summary>
    public Task<LockedJob?> LockJobAsync(Guid jobId, CancellationToken ct) => connection.FirstAsync(
        "select video_id, kind, state, version, trace_parent, priority, sequence from jobs where id = $1 for update", [jobId],
        row => new LockedJob(
            jobId, row.GetGuid(0), JobLifecycle.ParseKind(row.GetString(1)), JobLifecycle.Table.Parse(row.GetString(2)), row.GetInt32(3), row.GetNullable<string>(4), row.GetInt32(5), row.GetInt64(6)), ct);

    /// <summary>Moves a locked video, writes its history and publishes the change. Does nothing where the table has no such move.</summary>
    public async Task<MoveOutcome> MoveAsync(LockedVideo video, VideoTrigger trigger, TaskFailure? failure, CancellationToken ct)
    {
        if (VideoLifecycle.Table.Next(video.State, trigger) is not { } next)
        {
            return VideoLifecycle.Table.Refusal(video.State, trigger);
        }

        var state = VideoLifecycle.Table.NameOf(next);
        var at = await connection.ScalarAsync<DateTime>(
            """
            with moved as (
                update videos set state = $2, sequence = sequence + 1, updated_at = now(), failure_category = $4, failure_reason = $5
                where id = $1 returning sequence)
            insert into video_history (video_id, sequence, trigger, state, reason) select $1, sequence, $3, $2, $5 from moved returning at
            """, [video.Id, state, trigger.ToString(), failure?.CategoryName, failure?.Reason], ct);
        if (VideoLifecycle.IsVisible(next) || next == VideoState.Deleted)
        {
            VideoStateChanged change = new(video.Id, video.Sequence + 1, state, new DateTimeOffset(at), failure?.Reason);
            await EnqueueAsync(Topology.VideoEvents, Topology.RoutingKeyOf(state), VideoStateChanged.Type, video.Id, change,
                EventJson.Default.CloudEventVideoStateChanged, video.TraceParent, ct);
        }

        _wakeWebhooks |= await WebhookOutbox.VideoChangedAsync(connection, video.Id, trigger, video.TraceParent, ct);
        return MoveOutcome.Moved;
    }

    /// <summary>Moves a locked job and, for the job that makes the video, the video with it.</summary>
    public async Task<MoveOutcome> MoveAsync(LockedJob job, LockedVideo video, JobTrigger trigger, TaskFailure? failure, CancellationToken ct)
    {
        if (JobLifecycle.Table.Next(job.State, trigger) is not { } next)
        {
            return JobLifecycle.Table.Refusal(job.State, trigger);
        }

        await connection.ExecuteAsync(
            """
            update jobs set state = $2, failure_category = $3, failure_reason = $4,
                started_at = case when $5 then coalesce(started_at, now()) when not $7 then started_at end,
                finished_at = case when $6 then now() end
            where id = $1
            """, [job.Id, JobLifecycle.Table.NameOf(next), failure?.CategoryName, failure?.Reason, trigger == JobTrigger.WorkClaimed, JobLifecycle.IsOver(next), trigger == JobTrigger.Replayed], ct);
        if (next == JobState.Cancelled)
        {
            await CloseTasksAsync(job.Id, ct);
        }

        _wakeWebhooks |= await WebhookOutbox.JobChangedAsync(connection, job.Id, trigger, job.TraceParent, ct);
        if (job.Kind == JobKind.Ingest && JobLifecycle.EffectOnVideo(trigger) is { } effect)
        {
            await MoveAsync(video, effect, failure, ct);
        }

        return MoveOutcome.Moved;
    }

    /// <summary>Ends the tasks of a job that nobody will work on again, but for those that run: what is open would be walked over by every claim.</summary>
    public Task CloseTasksAsync(Guid jobId, CancellationToken ct) => connection.ExecuteAsync(
        "update tasks set state = $2, finished_at = now() where job_id = $1 and state = any($3)",
        [jobId, TaskLifecycle.Table.NameOf(TaskState.Failed),
         TaskLifecycle.Table.Transitions.Where(move => move is { Trigger: TaskTrigger.Cancelled, From: not (null or TaskState.Leased) }).Select(move => TaskLifecycle.Table.NameOf(move.From!.Value)).ToArray()], ct);

    /// <summary>Sends permits for work that became runnable: as many as could wake a worker each.</summary>
    public async Task PermitAsync(Guid jobId, Guid videoId, int runnable, string? traceParent, CancellationToken ct)
    {
        for (var i = 0; i < Math.Min(runnable, Limits.PermitsPerTransaction); i++)
        {
            await EnqueueAsync(Topology.Work, Topology.PermitRoutingKey, WorkPermit.Type, videoId, new WorkPermit(jobId), EventJson.Default.CloudEventWorkPermit, traceParent, ct);
        }
    }

    /// <summary>Has the sweeper look at the video's objects soon, and once more when no zombie can still be writing.</summary>
    public Task SweepAsync(Guid videoId, CancellationToken ct) => connection.ExecuteAsync(
        "insert into sweeps (video_id, due) select id, now() + after from videos, unnest($2) as sweep (after) where id = $1 on conflict do nothing",
        [videoId, _sweepsAfter], ct);

    /// <summary>Tells that an account's day is used up.</summary>
    public Task PublishAsync(QuotaExceeded exceeded, CancellationToken ct) => EnqueueAsync(
        Topology.VideoEvents, Topology.QuotaExceededRoutingKey, QuotaExceeded.Type, exceeded.UserId, exceeded, EventJson.Default.CloudEventQuotaExceeded, null, ct);

    private async Task EnqueueAsync<T>(
        string exchange, string routingKey, string type, Guid subject, T data, JsonTypeInfo<CloudEvent<T>> json, string? traceParent, CancellationToken ct)
    {
        var id = Guid.CreateVersion7();
        var at = await connection.ScalarAsync<DateTime>("select now()", [], ct);
        CloudEvent<T> message = new(id.ToString(), "/videoplatform/lifecycle", type, subject.ToString(), new DateTimeOffset(at), data);
        await EnqueueAsync(id, exchange, routingKey, type, JsonSerializer.SerializeToUtf8Bytes(message, json), traceParent, ct);
    }

    /// <summary>Puts a message into the outbox as it stands.</summary>
    /// <param name="messageId">What consumers know a repetition by.</param>
    internal async Task EnqueueAsync(Guid messageId, string exchange, string routingKey, string type, byte[] body, string? traceParent, CancellationToken ct)
    {
        await connection.ExecuteAsync(
            "insert into outbox (message_id, exchange, routing_key, type, body, trace_parent) values ($1, $2, $3, $4, $5, $6)",
            [messageId, exchange, routingKey, type, body, Activity.Current?.Id ?? traceParent], ct);
        _wakeRelay = true;
    }

    /// <summary>The dispatchers are to look for deliveries that this transaction wrote.</summary>
    internal void WakeWebhooks() => _wakeWebhooks = true;
}

/// <summary>A video's row, locked by the current transaction.</summary>
public sealed record LockedVideo(Guid Id, VideoState State, long Sequence, int Version, long? UploadToken, string? TraceParent);

/// <summary>A job's row, locked by the current transaction.</summary>
public sealed record LockedJob(Guid Id, Guid VideoId, JobKind Kind, JobState State, int Version, string? TraceParent, int Priority, long Sequence);
