using System.Text.Json;
using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;
using Lifecycle.Store.Faults;
using Npgsql;

namespace Lifecycle.Store.Live;

/// <summary>A request for a stream that has been checked.</summary>
/// <param name="Metadata">As it was sent; ValidateProvisionRequest normalizes it.</param>
/// <param name="Sha256">Of its canonical form.</param>
public sealed record StreamRequest(
    string StreamId, string Title, DateTimeOffset StartTime, IReadOnlyList<IngestEndpoint> IngestEndpoints, IReadOnlyDictionary<string, string> Metadata, byte[] Sha256);

public enum Acceptance
{
    Accepted,

    /// <summary>The same caller sent the same before.</summary>
    Repeated,

    /// <summary>The id belongs to another request, or to somebody else.</summary>
    Taken,
}

/// <summary>A stream as its owner reads it.</summary>
public sealed record StreamDetails(
    string Id, Guid? OwnerId, string Title, DateTime StartTime, IReadOnlyList<IngestEndpoint> IngestEndpoints, IReadOnlyDictionary<string, string> Metadata, DateTime AcceptedAt, StreamStatus Status,
    string? Reason, DateTime StatusAt, DateTime? ReadyAt, DateTime? LiveAt, DateTime? EndedAt, WorkflowState Workflow, DateTime WorkflowEnteredAt, int WorkflowAttempt, string? WorkflowError, DateTime? PlaybackAt,
    string? Entitlement, Guid VideoId, string? RecordingError, string? InputError);

/// <param name="LeftAt">Null: it is in it.</param>
public sealed record StreamStep(WorkflowState State, DateTime EnteredAt, DateTime? LeftAt, int Attempts, string? Outcome, string? Reason);

/// <summary>Whose streams a list has.</summary>
/// <param name="OwnerId">Null with <paramref name="All"/> unset: those of nobody.</param>
public sealed record StreamAudience(bool All, Guid? OwnerId);

/// <summary>Streams as they are asked for and read; what moves them stands in <see cref="StreamMoves"/> and <see cref="WorkflowStore"/>.</summary>
public sealed class StreamStore(LifecycleDatabase database, FaultPoints faults)
{
    private const string Columns = """
        s.id, s.owner_id, s.title, s.start_time, s.ingest_endpoints::text, s.metadata::text, s.accepted_at, s.status, s.status_reason, s.status_at, s.ready_at, s.live_at, s.ended_at,
        s.workflow_state, s.workflow_entered_at, s.workflow_attempt, s.workflow_error, s.playback_at, s.entitlement, s.video_id, l.recording_error, l.input_error
        """;

    /// <summary>Begins a stream and its workflow, or finds that the same request has done so: of two that race, one inserts and the other one waits for it.</summary>
    public async Task<(Acceptance Outcome, DateTime AcceptedAt)> AcceptAsync(StreamRequest request, Guid? ownerId, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        var connection = transaction.Connection;
        var accepted = await connection.ScalarAsync<DateTime?>(
            """
            insert into streams (id, owner_id, title, start_time, ingest_endpoints, metadata, request_sha256, status, workflow_state, workflow_due, video_id, trace_parent)
            values ($1, $2, $3, $4, $5::jsonb, $6::jsonb, $7, $8, $9, now(), $10, $11)
            on conflict (id) do nothing returning accepted_at
            """,
            [
                request.StreamId, ownerId, request.Title, request.StartTime.UtcDateTime, JsonSerializer.Serialize(request.IngestEndpoints, StreamJson.Default.IReadOnlyListIngestEndpoint),
                JsonSerializer.Serialize(request.Metadata, StreamJson.Default.IReadOnlyDictionaryStringString), request.Sha256,
                StreamLifecycle.Table.NameOf(StreamLifecycle.Table.Initial(StreamTrigger.Requested)), ProvisionWorkflow.Table.NameOf(ProvisionWorkflow.Table.Initial(StepOutcome.Started)),
                Guid.CreateVersion7(), System.Diagnostics.Activity.Current?.Id,
            ], ct);
        if (accepted is not { } at)
        {
            var first = await connection.FirstAsync(
                "select accepted_at, request_sha256 = $2 and owner_id is not distinct from $3::uuid from streams where id = $1", [request.StreamId, request.Sha256, ownerId],
                row => (At: row.GetDateTime(0), Same: row.GetBoolean(1)), ct);
            return (first.Same ? Acceptance.Repeated : Acceptance.Taken, first.At);
        }

        await connection.ExecuteAsync("insert into stream_steps (stream_id, sequence, state, entered_at) select id, 1, workflow_state, workflow_entered_at from streams where id = $1", [request.StreamId], ct);
        await faults.PassAsync(FaultPoint.StreamRequestBeforeCommit, ct);
        await transaction.CommitAsync(ct);
        await faults.PassAsync(FaultPoint.StreamRequestAfterCommit, ct);
        return (Acceptance.Accepted, at);
    }

    public async Task<StreamDetails?> FindAsync(string streamId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.FirstAsync($"select {Columns} from streams s left join live_sessions l on l.stream_id = s.id where s.id = $1", [streamId], Map, ct);
    }

    /// <summary>The steps of its workflow, in their order.</summary>
    public async Task<IReadOnlyList<StreamStep>> StepsAsync(string streamId, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            "select state, entered_at, left_at, attempts, outcome, reason from stream_steps where stream_id = $1 order by sequence", [streamId],
            row => new StreamStep(
                ProvisionWorkflow.Table.Parse(row.GetString(0)), row.GetDateTime(1), row.GetNullable<DateTime?>(2), row.GetInt32(3), row.GetNullable<string>(4), row.GetNullable<string>(5)), ct);
    }

    /// <summary>Streams that PersistProvisionRequest has put down, newest first.</summary>
    /// <param name="after">The last stream of the page before; null: from the newest.</param>
    public async Task<IReadOnlyList<StreamDetails>> ListAsync(StreamAudience audience, string? after, int atMost, CancellationToken ct)
    {
        await using var connection = await database.Source.OpenConnectionAsync(ct);
        return await connection.ListAsync(
            $"""
            select {Columns} from streams s left join live_sessions l on l.stream_id = s.id
            where s.persisted_at is not null and ($1 or s.owner_id is not distinct from $2::uuid)
                and ($3::text is null or (s.accepted_at, s.id) < (select accepted_at, id from streams where id = $3))
            order by s.accepted_at desc, s.id desc limit $4
            """, [audience.All, audience.OwnerId, after, atMost], Map, ct);
    }

    private static StreamDetails Map(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetNullable<Guid?>(1), row.GetString(2), row.GetDateTime(3), JsonSerializer.Deserialize(row.GetString(4), StreamJson.Default.IReadOnlyListIngestEndpoint)!,
        JsonSerializer.Deserialize(row.GetString(5), StreamJson.Default.IReadOnlyDictionaryStringString)!, row.GetDateTime(6), StreamLifecycle.Table.Parse(row.GetString(7)), row.GetNullable<string>(8),
        row.GetDateTime(9), row.GetNullable<DateTime?>(10), row.GetNullable<DateTime?>(11), row.GetNullable<DateTime?>(12), ProvisionWorkflow.Table.Parse(row.GetString(13)), row.GetDateTime(14),
        row.GetInt32(15), row.GetNullable<string>(16), row.GetNullable<DateTime?>(17), row.GetNullable<string>(18), row.GetGuid(19), row.GetNullable<string>(20), row.GetNullable<string>(21));
}
