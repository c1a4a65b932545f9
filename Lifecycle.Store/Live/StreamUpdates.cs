using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;
using Lifecycle.Store.Faults;

namespace Lifecycle.Store.Live;

/// <summary>What came of a reported status.</summary>
/// <param name="Status">What the stream has now; what it had, where nothing moved.</param>
/// <param name="At">Since when.</param>
public sealed record StreamUpdate(MoveOutcome Outcome, StreamStatus Status, DateTime At)
{
    public static readonly StreamUpdate Missing = new(MoveOutcome.Missing, default, default);
}

/// <summary>
/// PUT /streams: somebody outside reports a status. While the workflow runs, READY and FAILED are its confirmation too, and it tells
/// them; everything else is told here.
/// </summary>
public sealed class StreamUpdates(LifecycleDatabase database, StreamMoves moves, FaultPoints faults)
{
    /// <param name="mayUse">Whether the caller may change a stream of this owner.</param>
    public async Task<StreamUpdate> UpdateAsync(string streamId, StreamStatus wanted, string? reason, Func<Guid?, bool> mayUse, CancellationToken ct)
    {
        await using var transaction = await database.BeginAsync(ct);
        if (await StreamMoves.LockAsync(transaction, streamId, ct) is not { } stream || !mayUse(stream.OwnerId))
        {
            return StreamUpdate.Missing;
        }

        if (stream.Status == wanted)
        {
            return new(MoveOutcome.AlreadyThere, wanted, await StatusAtAsync(transaction, streamId, ct));
        }

        // The first confirmation counts, and a workflow that has given up does not come back: nobody makes such a stream READY.
        var givenUp = stream.Confirmation == StreamConfirmation.Failed || stream.Workflow == WorkflowState.HandleProvisionFailure;
        if (TriggerOf(stream.Status, wanted) is not { } trigger || (wanted == StreamStatus.Ready && givenUp))
        {
            return new(MoveOutcome.NotAllowed, stream.Status, default);
        }

        await ApplyAsync(transaction, stream, trigger, wanted, reason, ct);
        var at = await StatusAtAsync(transaction, streamId, ct);
        await StreamMoves.WakeAsync(transaction, stream, ct);
        await faults.PassAsync(FaultPoint.StreamUpdateBeforeCommit, ct);
        await transaction.CommitAsync(ct);
        await faults.PassAsync(FaultPoint.StreamUpdateAfterCommit, ct);
        return new(MoveOutcome.Moved, wanted, at);
    }

    private static StreamTrigger? TriggerOf(StreamStatus from, StreamStatus wanted) =>
        StreamLifecycle.Table.Transitions.FirstOrDefault(move => move.From == from && move.To == wanted)?.Trigger;

    private async Task ApplyAsync(LifecycleTransaction transaction, LockedStream stream, StreamTrigger trigger, StreamStatus wanted, string? reason, CancellationToken ct)
    {
        var workflowRuns = !ProvisionWorkflow.IsOver(stream.Workflow);
        var confirmation = (wanted, workflowRuns) switch
        {
            (StreamStatus.Ready, true) => StreamConfirmation.Ready,
            (StreamStatus.Failed, true) => StreamConfirmation.Failed,
            _ => null,
        };
        if (confirmation is null && workflowRuns && stream.Workflow <= WorkflowState.PublishReadyNotification)
        {
            // LIVE or COMPLETE overtakes the workflow, which has not told READY yet: listeners get them in their order.
            await moves.TellReadyAsync(transaction, stream, null, ct);
        }

        await moves.MoveAsync(transaction, stream, trigger, reason, tells: confirmation is null, ct);
        if (confirmation is not null)
        {
            await StreamConfirmation.GiveAsync(transaction, stream, confirmation, reason, ct);
        }

        // A broadcast that is complete has an encoder with its last seconds still on their way: that one lists and keeps them, and ends the session then.
        if (StreamLifecycle.IsOver(wanted) && await StreamMoves.LockSessionAsync(transaction, stream.Id, ct) is { } session
            && (wanted == StreamStatus.Failed || session.State != LiveSessionState.Encoding))
        {
            await StreamMoves.EndSessionAsync(transaction, session, ct);
        }
    }

    private static Task<DateTime> StatusAtAsync(LifecycleTransaction transaction, string streamId, CancellationToken ct) =>
        transaction.Connection.ScalarAsync<DateTime>("select status_at from streams where id = $1", [streamId], ct);
}

/// <summary>What AwaitLifecycleConfirmation waits for.</summary>
public static class StreamConfirmation
{
    public const string Ready = "ready";

    public const string Failed = "failed";

    /// <summary>The first one counts. A failure is due at once, wherever the workflow is; readiness is for the step that waits for it.</summary>
    public static Task GiveAsync(LifecycleTransaction transaction, LockedStream stream, string confirmation, string? reason, CancellationToken ct) => transaction.Connection.ExecuteAsync(
        """
        update streams set confirmation_reason = case when confirmation is null then $3 else confirmation_reason end, confirmation = coalesce(confirmation, $2),
            workflow_due = case when $2 = 'failed' and workflow_due is not null then now() else workflow_due end
        where id = $1
        """, [stream.Id, confirmation, reason], ct);
}
