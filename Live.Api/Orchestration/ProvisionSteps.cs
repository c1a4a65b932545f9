using System.Collections.Frozen;
using System.Globalization;
using System.Text.Json;
using Lifecycle.Contracts.Live;
using Lifecycle.Store.Database;
using Lifecycle.Store.Live;
using Live.Api.Streams;
using Microsoft.Extensions.Options;

namespace Live.Api.Orchestration;

/// <summary>
/// What each state of the workflow does. A step's effects are rows, in the transaction that also moves the workflow: whatever crashes, it
/// was taken once or not at all.
/// </summary>
internal sealed class ProvisionSteps
{
    private readonly FrozenDictionary<WorkflowState, Func<LifecycleTransaction, DueStream, CancellationToken, Task<StepResult>>> _steps;
    private readonly StreamMoves _moves;
    private readonly IngestUrls _urls;
    private readonly TimeSpan _lead;
    private readonly TimeSpan _confirmationWithin;

    public ProvisionSteps(StreamMoves moves, IngestUrls urls, IOptions<StreamOptions> streams, IOptions<OrchestrationOptions> options)
    {
        (_moves, _urls) = (moves, urls);
        (_lead, _confirmationWithin) = (TimeSpan.FromSeconds(streams.Value.LeadSeconds), TimeSpan.FromSeconds(options.Value.ConfirmationSeconds));
        _steps = new Dictionary<WorkflowState, Func<LifecycleTransaction, DueStream, CancellationToken, Task<StepResult>>>
        {
            [WorkflowState.ValidateProvisionRequest] = ValidateAsync,
            [WorkflowState.PersistProvisionRequest] = PersistAsync,
            [WorkflowState.EmitProvisionRequestedEvent] = EmitAsync,
            [WorkflowState.ProvisionEncoderInfrastructure] = ProvisionAsync,
            [WorkflowState.ConfigurePlaybackEndpoints] = ConfigureAsync,
            [WorkflowState.AwaitLifecycleConfirmation] = AwaitAsync,
            [WorkflowState.PublishReadyNotification] = PublishReadyAsync,
            [WorkflowState.RecordCompletion] = RecordAsync,
            [WorkflowState.HandleProvisionFailure] = HandleFailureAsync,
        }.ToFrozenDictionary();
    }

    public Task<StepResult> RunAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        var state = stream.Stream.Workflow;

        // A stream that somebody has given up meanwhile goes no further, whichever step it is in.
        var isOver = stream.Stream.Status == StreamStatus.Failed || (stream.Stream.Status == StreamStatus.Complete && state < WorkflowState.AwaitLifecycleConfirmation);
        return isOver && ProvisionWorkflow.Table.Next(state, StepOutcome.Failure) == WorkflowState.HandleProvisionFailure
            ? Task.FromResult(StepResult.Failure(ReasonOf(stream)))
            : _steps[state](transaction, stream, ct);
    }

    /// <summary>HandleProvisionFailure's own failure: the stream is FAILED all the same, its slots are free, and its listeners know.</summary>
    public async Task GiveUpAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        await FailAsync(transaction, stream, ReasonOf(stream), ct);
        await EndSessionAsync(transaction, stream, ct);
    }

    private async Task<StepResult> ValidateAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        // The settings may have changed since the request was taken.
        foreach (var endpoint in stream.IngestEndpoints)
        {
            foreach (var url in new[] { endpoint.Url, endpoint.BackupUrl }.OfType<string>())
            {
                if (_urls.Refusal(stream.Stream.Id, endpoint.Protocol, url, out _) is { } refusal)
                {
                    return StepResult.Failure($"An ingest endpoint {refusal}");
                }
            }
        }

        var metadata = StreamMetadata.Normalized(stream.Metadata);
        await transaction.Connection.ExecuteAsync(
            "update streams set metadata = $2::jsonb where id = $1", [stream.Stream.Id, JsonSerializer.Serialize(metadata, StreamJson.Default.IReadOnlyDictionaryStringString)], ct);
        return StepResult.Success;
    }

    private static async Task<StepResult> PersistAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        await transaction.Connection.ExecuteAsync("update streams set persisted_at = coalesce(persisted_at, now()) where id = $1", [stream.Stream.Id], ct);
        return StepResult.Success;
    }

    private async Task<StepResult> EmitAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        var metadata = StreamMetadata.Told(stream.Metadata);
        StreamProvisionRequested requested = new(stream.Stream.Id, stream.IngestEndpoints, stream.Title, StreamMoves.Timestamp(stream.StartTime), metadata.Count == 0 ? null : metadata);
        await _moves.EmitAsync(
            transaction, StreamProvisionRequested.DetailType, stream.Stream.Id, requested, StreamJson.Wire.StreamEventStreamProvisionRequested, stream.Stream.TraceParent, ct);
        return StepResult.Success;
    }

    private async Task<StepResult> ProvisionAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        if (stream.StartTime > stream.Now + _lead)
        {
            return StepResult.Wait(stream.StartTime - _lead);
        }

        var reservation = await LiveSlots.ReserveAsync(transaction, stream.Stream.Id, ct);
        return reservation switch
        {
            { Reserved: true } => StepResult.Success,
            { Refusal: { } refusal } => StepResult.Failure(refusal),
            _ => StepResult.Retry("No worker is up."),
        };
    }

    private static async Task<StepResult> ConfigureAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        await transaction.Connection.ExecuteAsync(
            "update streams set playback_at = coalesce(playback_at, now()), entitlement = $2 where id = $1", [stream.Stream.Id, stream.Metadata.GetValueOrDefault(StreamMetadata.Entitlement)], ct);
        return StepResult.Success;
    }

    private Task<StepResult> AwaitAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct) => Task.FromResult(stream.Stream switch
    {
        { Status: StreamStatus.Failed } or { Confirmation: StreamConfirmation.Failed } => StepResult.Failed(ReasonOf(stream)),
        { Confirmation: StreamConfirmation.Ready } => StepResult.Ready,
        _ when stream.EnteredAt + _confirmationWithin is var end && end > stream.Now => StepResult.Wait(end),
        _ => StepResult.Timeout(string.Create(CultureInfo.InvariantCulture, $"No confirmation came within {_confirmationWithin.TotalSeconds:0.#} s.")),
    });

    private async Task<StepResult> PublishReadyAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        // PUT /streams may have made the move, perhaps more than that one.
        await _moves.MoveAsync(transaction, stream.Stream, StreamTrigger.Readied, stream.ConfirmationReason, tells: false, ct);
        await _moves.TellReadyAsync(transaction, stream.Stream, stream.ConfirmationReason, ct);
        return StepResult.Success;
    }

    private static async Task<StepResult> RecordAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        await transaction.Connection.ExecuteAsync("update streams set ready_at = coalesce(ready_at, now()), workflow_error = null where id = $1", [stream.Stream.Id], ct);
        return StepResult.Success;
    }

    private async Task<StepResult> HandleFailureAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        var reason = ReasonOf(stream);
        if (await FailAsync(transaction, stream, reason, ct))
        {
            await StreamMoves.NotifyAsync(transaction, stream.Stream, StreamStatus.Failed, reason, ct);
        }

        await EndSessionAsync(transaction, stream, ct);
        return StepResult.Success;
    }

    /// <returns>Whether the owner's webhooks are still to be told.</returns>
    private async Task<bool> FailAsync(LifecycleTransaction transaction, DueStream stream, string reason, CancellationToken ct)
    {
        var outcome = await _moves.MoveAsync(transaction, stream.Stream, StreamTrigger.Failed, reason, tells: true, ct);
        if (outcome != Lifecycle.Contracts.MoveOutcome.AlreadyThere)
        {
            return false; // told with the move; or COMPLETE, which nothing fails any more
        }

        await _moves.TellAsync(transaction, stream.Stream, StreamStatus.Failed, reason, ct);
        return true;
    }

    private static async Task EndSessionAsync(LifecycleTransaction transaction, DueStream stream, CancellationToken ct)
    {
        if (await StreamMoves.LockSessionAsync(transaction, stream.Stream.Id, ct) is { } session)
        {
            await StreamMoves.EndSessionAsync(transaction, session, ct);
        }
    }

    /// <summary>Who gave it up said why, or the step that failed did.</summary>
    private static string ReasonOf(DueStream stream) => stream.Error
        ?? (stream.Stream.Status == StreamStatus.Failed ? stream.Reason : null)
        ?? (stream.Stream.Confirmation == StreamConfirmation.Failed ? stream.ConfirmationReason : null)
        ?? $"It was reported as {StreamLifecycle.Table.NameOf(stream.Stream.Status == StreamStatus.Complete ? StreamStatus.Complete : StreamStatus.Failed)}.";
}
