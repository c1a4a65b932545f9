using Lifecycle.Contracts;
using Lifecycle.Contracts.Live;
using Lifecycle.Store;
using Lifecycle.Store.Faults;
using Lifecycle.Store.Live;
using Microsoft.Extensions.Options;

namespace Live.Api.Orchestration;

/// <summary>
/// Seed 001's StreamLifecycleOrchestrator: takes the steps of streams that have something to do, each in one transaction. Every replica has
/// it. It runs each second, when a message wakes it, and behind POST and PUT; what one run leaves off, another one goes on with.
/// </summary>
internal sealed partial class Orchestrator(
    WorkflowStore workflows, ProvisionSteps steps, FaultPoints faults, OrchestrationMetrics metrics, IOptions<OrchestrationOptions> options, ILogger<Orchestrator> logger)
{
    /// <summary>How often streams are looked for that no message announced.</summary>
    public static readonly TimeSpan Poll = TimeSpan.FromSeconds(1);

    /// <summary>Of a step that meets something that may pass; the fifth failure is its outcome.</summary>
    private const int Attempts = 5;

    /// <summary>Streams of one pass; the next pass comes at once where there are more.</summary>
    private const int Batch = 100;

    private readonly TimeSpan _confirmationWithin = TimeSpan.FromSeconds(options.Value.ConfirmationSeconds);

    private enum Step
    {
        /// <summary>There is nothing to do now, or another replica does it.</summary>
        Idle,

        Waits,

        Moved,
    }

    /// <summary>Takes the steps of all streams that have something to do.</summary>
    public async Task PassAsync(CancellationToken ct)
    {
        IReadOnlyList<string> due;
        do
        {
            due = await workflows.DueAsync(_confirmationWithin, Batch, ct);
            foreach (var streamId in due)
            {
                await AdvanceAsync(streamId, ct);
            }
        }
        while (due.Count == Batch);
    }

    /// <summary>Takes a stream's steps as far as they go. A store that is away leaves the rest to a later run.</summary>
    public async Task AdvanceAsync(string streamId, CancellationToken ct)
    {
        using var scope = logger.BeginScope(new Dictionary<string, object>(StringComparer.Ordinal) { ["StreamId"] = streamId });
        try
        {
            while (await StepAsync(streamId, ct) == Step.Moved)
            {
                // The next one.
            }
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            if (Outages.IsOutage(exception))
            {
                Log.Waiting(logger, streamId, exception.Message);
            }
            else
            {
                Log.StepBroke(logger, exception, streamId);
            }

            await SpendAttemptAsync(streamId, ct);
        }
    }

    private async Task<Step> StepAsync(string streamId, CancellationToken ct)
    {
        await using var transaction = await workflows.BeginAsync(ct);
        if (await WorkflowStore.TakeAsync(transaction, streamId, _confirmationWithin, ct) is not { } stream)
        {
            return Step.Idle;
        }

        var state = stream.Stream.Workflow;
        var result = await steps.RunAsync(transaction, stream, ct);
        if (result.Outcome is null && result.Until is null && stream.Attempt >= Attempts)
        {
            result = new(FailureOf(state), result.Reason, null);
        }

        if (result.Outcome is not { } outcome)
        {
            await (result.Until is { } until ? WorkflowStore.WaitAsync(transaction, stream, until, ct) : WorkflowStore.RetryAsync(transaction, stream, DelayAfter(stream.Attempt), ct));
            await transaction.CommitAsync(ct);
            if (result.Until is null)
            {
                Log.Retries(logger, streamId, state, result.Reason, stream.Attempt);
            }

            return Step.Waits;
        }

        var next = await WorkflowStore.MoveAsync(transaction, stream, outcome, result.Reason, ct);
        await faults.PassAsync(FaultPoint.StreamStepBeforeCommit, state.ToString(), ct);
        await transaction.CommitAsync(ct);
        await faults.PassAsync(FaultPoint.StreamStepAfterCommit, state.ToString(), ct);
        Tell(stream, next, result.Reason);
        return Step.Moved;
    }

    /// <summary>A step broke: another try later, or after the last one its failure. Nothing is spent where the database cannot be written.</summary>
    private async Task SpendAttemptAsync(string streamId, CancellationToken ct)
    {
        try
        {
            await using var transaction = await workflows.BeginAsync(ct);
            if (await WorkflowStore.TakeAsync(transaction, streamId, _confirmationWithin, ct) is not { } stream)
            {
                return;
            }

            var state = stream.Stream.Workflow;
            if (stream.Attempt < Attempts)
            {
                await WorkflowStore.RetryAsync(transaction, stream, DelayAfter(stream.Attempt), ct);
                await transaction.CommitAsync(ct);
                return;
            }

            if (state == WorkflowState.HandleProvisionFailure)
            {
                await steps.GiveUpAsync(transaction, stream, ct);
            }

            var reason = $"{state} failed {Attempts} times.";
            var next = await WorkflowStore.MoveAsync(transaction, stream, FailureOf(state), reason, ct);
            await transaction.CommitAsync(ct);
            Tell(stream, next, reason);
        }
        catch (Exception exception) when (!ct.IsCancellationRequested)
        {
            Log.Waiting(logger, streamId, exception.Message);
        }
    }

    private static StepOutcome FailureOf(WorkflowState state) => state == WorkflowState.AwaitLifecycleConfirmation ? StepOutcome.Failed : StepOutcome.Failure;

    /// <summary>1, 2, 4 and 8 s.</summary>
    private static TimeSpan DelayAfter(int attempt) => TimeSpan.FromSeconds(1 << (attempt - 1));

    private void Tell(DueStream stream, WorkflowState next, string? reason)
    {
        Log.Moved(logger, stream.Stream.Id, stream.Stream.Workflow, next);
        switch (next)
        {
            case WorkflowState.WorkflowSucceeded:
                metrics.Succeeded(stream.Now - stream.AcceptedAt);
                break;
            case WorkflowState.WorkflowFailed:
                metrics.Failed();
                Log.ProvisionFailed(logger, stream.Stream.Id, stream.Error ?? reason);
                break;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(Level = LogLevel.Information, Message = "Stream {StreamId}: {State} -> {Next}")]
        public static partial void Moved(ILogger logger, string streamId, WorkflowState state, WorkflowState next);

        [LoggerMessage(Level = LogLevel.Error, Message = "Stream {StreamId} could not be provisioned: {Reason}")]
        public static partial void ProvisionFailed(ILogger logger, string streamId, string? reason);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Stream {StreamId}: {State} did not do ({Reason}) at attempt {Attempt}; it is tried again")]
        public static partial void Retries(ILogger logger, string streamId, WorkflowState state, string? reason, int attempt);

        [LoggerMessage(Level = LogLevel.Warning, Message = "Stream {StreamId} waits for a store: {Reason}")]
        public static partial void Waiting(ILogger logger, string streamId, string reason);

        [LoggerMessage(Level = LogLevel.Error, Message = "Stream {StreamId}: a step broke")]
        public static partial void StepBroke(ILogger logger, Exception exception, string streamId);
    }
}
