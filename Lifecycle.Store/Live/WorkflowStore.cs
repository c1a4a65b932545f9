using System.Text.Json;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;

namespace Lifecycle.Store.Live;

/// <summary>A stream whose workflow has something to do, locked by the current transaction.</summary>
/// <param name="Attempt">Of its present step, 1 for the first.</param>
/// <param name="Reason">Why it has its status; null: nobody said.</param>
/// <param name="ConfirmationReason">Of the one who confirmed; null: nobody said.</param>
/// <param name="EnteredAt">When it came into its present step.</param>
/// <param name="Now">The database's clock.</param>
public sealed record DueStream(
    LockedStream Stream, string Title, DateTime StartTime, IReadOnlyList<IngestEndpoint> IngestEndpoints, IReadOnlyDictionary<string, string> Metadata, int Attempt, string? Reason,
    string? ConfirmationReason, string? Error, DateTime AcceptedAt, DateTime EnteredAt, DateTime Now);

/// <summary>The rows of the provisioning workflow. Every step is one transaction that locks the stream, so that replicas never take the same step twice.</summary>
public sealed class WorkflowStore(LifecycleDatabase database)
{
    /// <summary>$1: AwaitLifecycleConfirmation, $2: how long it waits. Both of its ends are seen here, so that neither needs a message or a due time that was right.</summary>
    private const string IsDue = "workflow_due is not null and (workflow_due <= now() or (workflow_state = $1 and (confirmation is not null or workflow_entered_at <= now() - $2)))";

    private static readonly string _await = ProvisionWorkflow.Table.NameOf(WorkflowState.AwaitLifecycleConfirmation);

    public Task<LifecycleTransaction> BeginAsync(CancellationToken ct) => database.BeginAsync(ct);

    /// <summary>Streams that have something to do, the longest waiting first.</summary>
    public async Task<IReadOnlyList<string>> DueAsync(TimeSpan confirmationWithin, int atMost, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync($"select id from streams where {IsDue} order by workflow_due limit $3", [_await, confirmationWithin, atMost], row => row.GetString(0), ct);
    }

    /// <summary>Locks a stream that has something to do; null where it has not, or where another replica holds it.</summary>
    public static Task<DueStream?> TakeAsync(LifecycleTransaction transaction, string streamId, TimeSpan confirmationWithin, CancellationToken ct) => transaction.Connection.FirstAsync(
        $"""
        select {LockedStream.Columns}, title, start_time, ingest_endpoints::text, metadata::text, workflow_attempt, status_reason, confirmation_reason, workflow_error, accepted_at,
            workflow_entered_at, now()
        from streams where id = $3 and {IsDue} for update skip locked
        """, [_await, confirmationWithin, streamId],
        row => new DueStream(
            LockedStream.Map(row), row.GetString(7), row.GetDateTime(8), JsonSerializer.Deserialize(row.GetString(9), StreamJson.Default.IReadOnlyListIngestEndpoint)!,
            JsonSerializer.Deserialize(row.GetString(10), StreamJson.Default.IReadOnlyDictionaryStringString)!, row.GetInt32(11), row.GetNullable<string>(12), row.GetNullable<string>(13),
            row.GetNullable<string>(14), row.GetDateTime(15), row.GetDateTime(16), row.GetDateTime(17)), ct);

    /// <summary>Leaves a step for the one that the table names.</summary>
    /// <exception cref="InvalidOperationException">The table has no such move: nothing is written.</exception>
    public static async Task<WorkflowState> MoveAsync(LifecycleTransaction transaction, DueStream stream, StepOutcome outcome, string? reason, CancellationToken ct)
    {
        var (id, from) = (stream.Stream.Id, stream.Stream.Workflow);
        var next = ProvisionWorkflow.Table.Next(from, outcome) ?? throw new InvalidOperationException($"{from} has no outcome {outcome}.");
        var name = ProvisionWorkflow.Table.NameOf(next);
        await transaction.Connection.ExecuteAsync(
            "update stream_steps set left_at = now(), outcome = $2, reason = $3, attempts = $4 where stream_id = $1 and left_at is null", [id, outcome.ToString(), reason, stream.Attempt], ct);
        await transaction.Connection.ExecuteAsync(
            "insert into stream_steps (stream_id, sequence, state, entered_at) select $1, max(sequence) + 1, $2, now() from stream_steps where stream_id = $1", [id, name], ct);
        await transaction.Connection.ExecuteAsync(
            """
            update streams set workflow_state = $2, workflow_entered_at = now(), workflow_attempt = 1, workflow_due = case when $3 then null else now() end, workflow_error = coalesce(workflow_error, $4)
            where id = $1
            """, [id, name, ProvisionWorkflow.IsOver(next), reason], ct);
        return next;
    }

    /// <summary>Has a step looked at again at a time.</summary>
    public static Task WaitAsync(LifecycleTransaction transaction, DueStream stream, DateTime until, CancellationToken ct) =>
        transaction.Connection.ExecuteAsync("update streams set workflow_due = $2 where id = $1", [stream.Stream.Id, until], ct);

    /// <summary>Spends an attempt of a step; the next one comes after <paramref name="after"/>.</summary>
    public static Task RetryAsync(LifecycleTransaction transaction, DueStream stream, TimeSpan after, CancellationToken ct) =>
        transaction.Connection.ExecuteAsync("update streams set workflow_attempt = workflow_attempt + 1, workflow_due = now() + $2 where id = $1", [stream.Stream.Id, after], ct);
}
